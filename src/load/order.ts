// The order of samples, version 1: a pure function of (the sources' identities, window counts and weights, the seed, the
// global sample number) to (source, its epoch, window). No state, so that any rank can ask for any sample at any time; ranks,
// workers and batch sizes are not among its arguments.
//
//   sample --Interleave--> (source i, the d-th draw from i)
//   epoch = floor(d / windows_i)      window = Permutation(windows_i; seed, identity_i, epoch)(d mod windows_i)
//
// Golden vectors in test/unit/load pin it: another order is another ORDER_VERSION, never an edit.
import { invalid } from "../base/errors.js";
import { Interleave } from "./interleave.js";
import { MAX_PERMUTED, Permutation } from "./permutation.js";

export const ORDER_VERSION = 1;

export interface OrderSource {
  /** "sha256:<64 hex digits>": what the source is, wherever it lies. */
  readonly identity: string;
  readonly numWindows: number;
  readonly weight: number;
}

export interface OrderedWindow {
  readonly source: number;
  readonly epoch: number;
  readonly window: number;
}

export class SampleOrder {
  readonly #sources: readonly OrderSource[];
  readonly #seed: bigint;
  readonly #interleave: Interleave;
  readonly #identities: readonly bigint[][];
  /** Of each source, the permutation of the epoch last asked for. */
  readonly #current: ({ epoch: number; permutation: Permutation } | undefined)[];

  constructor(sources: readonly OrderSource[], seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw invalid("config-seed", `expected a whole number from 0 to 2^53 - 1 for the order's seed, got ${seed}`);
    }
    for (const { identity, numWindows } of sources) {
      if (numWindows < 1 || numWindows > MAX_PERMUTED) {
        throw invalid("config-shards", `expected 1 to 2^52 windows for source ${identity}, got ${numWindows}`);
      }
    }
    this.#sources = sources;
    this.#seed = BigInt(seed);
    this.#interleave = new Interleave(sources.map((source) => source.weight));
    this.#identities = sources.map((source) => wordsOf(source.identity));
    this.#current = sources.map(() => undefined);
  }

  /** `sample` from 0 to 2^53 - 1. */
  at(sample: number): OrderedWindow {
    const { source, drawn } = this.#interleave.at(sample);
    const { numWindows } = this.#sources[source]!;
    const position = drawn % numWindows;
    const epoch = (drawn - position) / numWindows;
    return { source, epoch, window: this.#permutation(source, epoch).at(position) };
  }

  #permutation(source: number, epoch: number): Permutation {
    const current = this.#current[source];
    if (current?.epoch === epoch) return current.permutation;
    const key = [BigInt(ORDER_VERSION), this.#seed, ...this.#identities[source]!, BigInt(epoch)];
    const permutation = new Permutation(this.#sources[source]!.numWindows, key);
    this.#current[source] = { epoch, permutation };
    return permutation;
  }
}

/** The 256 bits of an identity, most significant word first. */
function wordsOf(identity: string): bigint[] {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(identity)?.[1];
  if (hex === undefined)
    throw invalid(
      "config-shards",
      `expected "sha256:" and 64 hexadecimal digits for a source's identity, got "${identity}"`,
    );
  return [0, 16, 32, 48].map((start) => BigInt(`0x${hex.slice(start, start + 16)}`));
}
