// Gzip (RFC 1952) as a stream of members. zlib decodes; what it does not do is to give what it has decoded when the input
// turns out to be damaged. Therefore it is fed in slices, and the slice with the damage once more, in the end byte by byte,
// by reading the stream again up to there: that costs sound files nothing.
import { createGunzip, type Gunzip } from "node:zlib";
import { DamagedStream } from "./damaged-stream.js";

const PIECE_BYTES = 2 ** 20;
/** Slices are as large as pieces are made of. What is decoded of one is in memory at once: a thousand times as much at the most. */
const MIN_SLICE_BYTES = 2 ** 12;
const MAX_SLICE_BYTES = 2 ** 17;
/** Of the passes that look for the damage in a slice. */
const FINER_STEPS = [2 ** 9, 1];

/** How far a pass has come: how much of the input is known to be sound, and how much of the output has been given. */
interface Progress {
  taken: number;
  given: number;
}

/** What `open` gives is the compressed stream, the same each time. A DamagedStream comes behind all that a decoder can give. */
export async function* gunzip(open: () => AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const progress = { taken: 0, given: 0 };
  const damage = yield* pass(open, progress, sliceBytes);
  // When the end comes too early, all that there is has been taken.
  if (damage !== undefined && !damage.truncated)
    for (const step of FINER_STEPS) yield* pass(open, progress, () => step);
  if (damage !== undefined) throw damage;
}

function sliceBytes({ taken, given }: Progress): number {
  const wanted = Math.ceil((PIECE_BYTES * (taken + 1)) / (given + 1));
  return Math.min(MAX_SLICE_BYTES, Math.max(MIN_SLICE_BYTES, wanted));
}

/** Decodes from the begin, gives what earlier passes have not given, and goes on in steps behind what they found sound. */
async function* pass(
  open: () => AsyncIterable<Uint8Array>,
  progress: Progress,
  stepBytes: (progress: Progress) => number,
): AsyncGenerator<Uint8Array, DamagedStream | undefined> {
  const before = { ...progress };
  const now: Progress = { taken: 0, given: 0 };
  const inflater = new Inflater();
  const newOnes = function* (): Iterable<Uint8Array> {
    for (const piece of inflater.take()) {
      const isNew = piece.subarray(Math.max(0, before.given - now.given));
      now.given += piece.length;
      if (isNew.length === 0) continue;
      progress.given = now.given;
      yield isNew;
    }
  };
  try {
    for await (const chunk of open()) {
      for (let at = 0; at < chunk.length; ) {
        const sound = before.taken - now.taken;
        const slice = chunk.subarray(at, at + (sound > 0 ? Math.min(sliceBytes(now), sound) : stepBytes(now)));
        const damage = await inflater.push(slice);
        // What comes of a slice that is damaged is not known to be all of it.
        if (damage !== undefined) return damage;
        at += slice.length;
        now.taken += slice.length;
        progress.taken = Math.max(progress.taken, now.taken);
        yield* newOnes();
      }
    }
    const damage = await inflater.end();
    yield* newOnes();
    return damage;
  } finally {
    inflater.close();
  }
}

/** zlib's stream, a slice at a time. */
class Inflater {
  readonly #stream: Gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  #pieces: Uint8Array[] = [];
  #fed = 0;
  /** Behind the last member come zeros, with which tar and tapes fill their blocks. */
  #isPadding = false;

  constructor() {
    this.#stream.on("data", (piece: Uint8Array) => this.#pieces.push(piece));
    // Who waits for a slice or the end is told of it.
    this.#stream.on("error", () => undefined);
  }

  /** The damage that was met in it, if any. */
  async push(bytes: Uint8Array): Promise<DamagedStream | undefined> {
    if (this.#isPadding) return paddingFault(bytes);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#stream.once("error", reject);
        this.#stream.write(bytes, (error) => {
          this.#stream.off("error", reject);
          if (error) reject(error);
          else resolve();
        });
      });
    } catch (error) {
      return gzipError(error);
    }
    this.#fed += bytes.length;
    // zlib takes no more when a member is followed by a zero.
    const left = this.#fed - this.#stream.bytesWritten;
    if (left === 0) return undefined;
    this.#isPadding = true;
    return paddingFault(bytes.subarray(bytes.length - left));
  }

  async end(): Promise<DamagedStream | undefined> {
    if (this.#isPadding) return undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#stream.once("error", reject);
        this.#stream.once("end", resolve);
        this.#stream.end();
      });
    } catch (error) {
      return gzipError(error);
    }
    return undefined;
  }

  /** What has been decoded since it was asked for last. */
  take(): Uint8Array[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }

  close(): void {
    this.#stream.destroy();
  }
}

function paddingFault(bytes: Uint8Array): DamagedStream | undefined {
  return bytes.every((byte) => byte === 0) ? undefined : new DamagedStream("other bytes behind zeros");
}

function gzipError(error: unknown): DamagedStream {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined || !code.startsWith("Z_")) throw error;
  return new DamagedStream(message, { truncated: code === "Z_BUF_ERROR", cause: error });
}
