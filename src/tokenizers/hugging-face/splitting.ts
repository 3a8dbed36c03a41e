// What becomes of delimiters when a text is split: the five behaviours of the official library.
import { type AlignedText, slice } from "./aligned-text.js";
import type { Parts } from "./regular-expression.js";

export const BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"] as const;
export type Behavior = (typeof BEHAVIORS)[number];

/** Appends the pieces to `out`, empty ones left out. */
export function splitInto(out: AlignedText[], text: AlignedText, parts: Parts, behavior: Behavior): void {
  const cuts = cutsOf(parts, behavior);
  for (let i = 0; i < cuts.length; i += 2) {
    if (cuts[i]! < cuts[i + 1]!) out.push(slice(text, cuts[i]!, cuts[i + 1]!));
  }
}

export function inverted({ ends, isMatch }: Parts): Parts {
  return { ends, isMatch: isMatch.map((match) => !match) };
}

/** Begin and end of each piece in turn. */
function cutsOf({ ends, isMatch }: Parts, behavior: Behavior): number[] {
  const cuts: number[] = [];
  const beginOf = (i: number): number => (i === 0 ? 0 : ends[i - 1]!);
  if (behavior === "MergedWithNext") return mergedWithNext(ends, isMatch);
  let previous = false;
  for (const [i, end] of ends.entries()) {
    const match = isMatch[i]!;
    const joins =
      (behavior === "Contiguous" && match === previous) || (behavior === "MergedWithPrevious" && match && !previous);
    if (joins && cuts.length > 0) cuts[cuts.length - 1] = end;
    else if (!(behavior === "Removed" && match)) cuts.push(beginOf(i), end);
    previous = match;
  }
  return cuts;
}

/** From the right: of several delimiters in a row the last one joins what follows. */
function mergedWithNext(ends: readonly number[], isMatch: readonly boolean[]): number[] {
  const backwards: number[] = [];
  let previous = false;
  for (let i = ends.length - 1; i >= 0; i -= 1) {
    const begin = i === 0 ? 0 : ends[i - 1]!;
    if (isMatch[i] && !previous && backwards.length > 0) backwards[backwards.length - 1] = begin;
    else backwards.push(ends[i]!, begin);
    previous = isMatch[i]!;
  }
  return backwards.reverse();
}
