// Exact similarity of two texts on strings: the definition of docs/formats/dedup.md written a second time, without hashes.
// The audit recomputes removals with it, reports show what two documents share, tests take it as the oracle of the kernels.
import type { Shingling } from "../native/dedup.js";
import { type UnitText, unitsOf } from "./units.js";

export { foldCase } from "./units.js";

/** UTF-16 positions in the text after NFC. */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

export interface Overlap {
  readonly intersection: number;
  readonly union: number;
}

export interface TextComparison extends Overlap {
  /** Both texts after NFC, and where each is covered by shingles of the other; spans ascending, apart. */
  readonly textA: string;
  readonly textB: string;
  readonly sharedA: readonly Span[];
  readonly sharedB: readonly Span[];
}

/** How many shingles there are, repeats included: one at least. */
export function numShingles({ starts }: UnitText, size: number): number {
  return Math.max(1, starts.length - size);
}

/** The shingle of `size` units from unit `i` on. Fewer units than that are one shingle, a text without words is itself one. */
export function shingleAt({ text, starts, gap }: UnitText, i: number, size: number): string {
  // A shingle of words begins with none of these: a text without words is told apart by its first character.
  if (starts.length === 1) return `\u0000${text}`;
  return text.slice(starts[i]!, starts[Math.min(i + size, starts.length - 1)]! - gap);
}

/** Each once. They are views of `units.text`, which they keep in memory. */
export function shingleSet(units: UnitText, size: number): Set<string> {
  const set = new Set<string>();
  const count = numShingles(units, size);
  for (let i = 0; i < count; i += 1) set.add(shingleAt(units, i, size));
  return set;
}

export function shinglesOf(text: string, { unit, size }: Shingling): Set<string> {
  return shingleSet(unitsOf(text, unit), size);
}

export function overlapOf(a: ReadonlySet<string>, b: ReadonlySet<string>): Overlap {
  let intersection = 0;
  for (const one of a) if (b.has(one)) intersection += 1;
  return { intersection, union: a.size + b.size - intersection };
}

export function compareTexts(a: string, b: string, { unit, size }: Shingling): TextComparison {
  const [unitsA, unitsB] = [unitsOf(a, unit), unitsOf(b, unit)];
  const [setA, setB] = [shingleSet(unitsA, size), shingleSet(unitsB, size)];
  return {
    ...overlapOf(setA, setB),
    textA: unitsA.composed,
    textB: unitsB.composed,
    sharedA: sharedSpans(unitsA, setB, size),
    sharedB: sharedSpans(unitsB, setA, size),
  };
}

function sharedSpans(units: UnitText, other: ReadonlySet<string>, size: number): Span[] {
  const { begins, ends, composed } = units;
  const spans: { begin: number; end: number }[] = [];
  const count = numShingles(units, size);
  for (let i = 0; i < count; i += 1) {
    if (!other.has(shingleAt(units, i, size))) continue;
    const begin = begins[i] ?? 0;
    const end = ends[Math.min(i + size, ends.length) - 1] ?? composed.length;
    const last = spans.at(-1);
    // Shingles of neighbouring units run on: only what stands between two words parts them.
    if (last !== undefined && begin <= last.end) last.end = Math.max(last.end, end);
    else if (end > begin) spans.push({ begin, end });
  }
  return spans;
}
