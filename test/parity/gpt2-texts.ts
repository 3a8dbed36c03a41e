// Texts of golden-gpt2-tokenizer.json, which make-tokenizer-golden.py writes: made by its rules.
import { readFileSync } from "node:fs";

interface Gpt2Golden {
  readonly small: [string, number[]][];
  readonly repeated: [string, number, string][];
  readonly random: { seed: number; texts: number; pools: [number, number][][]; digest: string };
  readonly short: { seed: number; group: number; digests: string[] };
  readonly scripts: [string, number, number, string][];
  readonly shared: Record<string, string>;
  readonly vocabulary: string;
  readonly code_points: string[];
  readonly books: Record<string, string>;
  readonly paragraphs: Record<string, string>;
  readonly licences: Record<string, string>;
}

type Draw = (below: number) => number;

export const golden = JSON.parse(
  readFileSync(new URL("./golden-gpt2-tokenizer.json", import.meta.url), "utf8"),
) as Gpt2Golden;

const BETWEEN_WORDS = [" ", " ", ", ", ". ", "\n", " 12 ", "-", "'"];

export function randomText(draw: Draw, mostRuns: number): string {
  const { pools } = golden.random;
  let text = "";
  for (let runs = draw(mostRuns); runs > 0; runs -= 1) {
    const pool = pools[draw(pools.length)]!;
    const [first, last] = pool[draw(pool.length)]!;
    for (let n = 1 + draw(3); n > 0; n -= 1) text += String.fromCodePoint(first + draw(last - first + 1));
  }
  return text;
}

export function scriptText(draw: Draw, first: number, last: number): string {
  let text = "";
  for (let word = 0; word < 400; word += 1) {
    for (let n = 1 + draw(12); n > 0; n -= 1) text += String.fromCodePoint(first + draw(last - first + 1));
    text += BETWEEN_WORDS[draw(BETWEEN_WORDS.length)]!;
  }
  return text;
}
