// Which of two alike stays: the policy as a person writes it, and as a 64-bit key a document, smaller first. What the keys
// leave equal is decided by the content hash, the hash of the text and the id (docs/formats/dedup.md).

export type Policy =
  | { readonly kind: "longest" | "first" }
  | { readonly kind: "source"; readonly sources: readonly string[] }
  | { readonly kind: "highest" | "lowest"; readonly field: string };

/** Ranks have 16 bits, the last being that of every other source. */
const MAX_SOURCES = 2 ** 16 - 1;
const FIELD = /^[^.]+(\.[^.]+)*$/;

/** The policy, or what is wrong with `text` as the end of "expected ...". */
export function parsePolicy(text: string): Policy | string {
  if (text === "longest" || text === "first") return { kind: text };
  const colon = text.indexOf(":");
  const kind = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (colon === -1 || !["source", "highest", "lowest"].includes(kind)) {
    return '"longest", "first", "source:A,B,C", "highest:FIELD" or "lowest:FIELD"';
  }
  if (kind !== "source") {
    return FIELD.test(rest)
      ? { kind: kind as "highest", field: rest }
      : `a field behind "${kind}:", its names joined by single dots`;
  }
  const sources = rest.split(",");
  if (sources.includes("")) return 'names of sources behind "source:", with single commas between them';
  const repeated = sources.find((name, i) => sources.indexOf(name) !== i);
  if (repeated !== undefined) return `each source once behind "source:", not "${repeated}" twice`;
  if (sources.length > MAX_SOURCES) return `at most ${MAX_SOURCES} sources behind "source:"`;
  return { kind: "source", sources };
}

/** Dotted path of the number that a policy compares; "" when it compares none. */
export function scoreFieldOf(policy: Policy): string {
  return "field" in policy ? policy.field : "";
}

/** What the policies look at: one row a document. */
export interface RankedRows {
  readonly normalizedBytes: Uint32Array;
  readonly sources: readonly string[];
  readonly sourceIndex: Uint32Array;
  /** NaN where there is no number. */
  readonly scores: Float64Array;
  /** Number of the block in the input, and of the first row in the block. */
  readonly block: number;
  readonly firstRow: number;
}

const ALL_ONES = 0xffffffff;

/** Keys of the rows into `keys`, which has as many elements. */
export function fillOrderKeys(policy: Policy, rows: RankedRows, keys: BigUint64Array): void {
  // Halves of keys, low before high: bigints would be made one by one.
  const halves = new Uint32Array(keys.buffer, keys.byteOffset, keys.length * 2);
  const { normalizedBytes } = rows;
  switch (policy.kind) {
    case "longest":
      for (let i = 0; i < keys.length; i += 1) {
        halves[2 * i] = ALL_ONES - normalizedBytes[i]!;
        halves[2 * i + 1] = ALL_ONES;
      }
      return;
    case "first":
      for (let i = 0; i < keys.length; i += 1) {
        halves[2 * i] = rows.firstRow + i;
        halves[2 * i + 1] = rows.block;
      }
      return;
    case "source": {
      const ranks = rows.sources.map((name) => {
        const rank = policy.sources.indexOf(name);
        return rank === -1 ? policy.sources.length : rank;
      });
      for (let i = 0; i < keys.length; i += 1) {
        halves[2 * i] = ALL_ONES - normalizedBytes[i]!;
        halves[2 * i + 1] = ranks[rows.sourceIndex[i]!]! * 2 ** 16 + 0xffff;
      }
      return;
    }
    default:
      fillScoreKeys(policy.kind === "highest", rows.scores, halves);
  }
}

/**
 * A double's bits ascend with its value when the sign bit of positive numbers and all bits of negative ones are turned
 * over. Where there is no number the key is greater than that of any number.
 */
function fillScoreKeys(highestFirst: boolean, scores: Float64Array, halves: Uint32Array): void {
  const value = new Float64Array(1);
  const bits = new Uint32Array(value.buffer);
  for (const [i, score] of scores.entries()) {
    // Adding 0 makes one zero of both.
    value[0] = score + 0;
    const flip = (bits[1]! & 0x80000000) !== 0 ? [ALL_ONES, ALL_ONES] : [0, 0x80000000];
    const turn = highestFirst ? ALL_ONES : 0;
    const isNumber = !Number.isNaN(score);
    halves[2 * i] = isNumber ? bits[0]! ^ flip[0]! ^ turn : ALL_ONES;
    halves[2 * i + 1] = isNumber ? bits[1]! ^ flip[1]! ^ turn : ALL_ONES;
  }
}

export function countMissingScores(scores: Float64Array): number {
  return scores.reduce((count, score) => count + (Number.isNaN(score) ? 1 : 0), 0);
}
