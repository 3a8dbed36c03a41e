// Dedup with the npm package minhash as its README shows it (128 permutations, 32 bands of 4, no check of candidates), over the
// word 5-grams that Millrace states. Usage: npm-minhash.mjs INPUT OUT.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LshIndex, Minhash } from "minhash";

/** Words of documents in spaced scripts. */
export function shinglesOf(text) {
  const words =
    text
      .normalize("NFC")
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  if (words.length < 5) return [words.join(" ")];
  return [...new Set(words.slice(4).map((_, i) => words.slice(i, i + 5).join(" ")))];
}

export function signatureOf(shingles) {
  const signature = new Minhash();
  for (const shingle of shingles) signature.update(shingle);
  return signature;
}

function dedup(input, out) {
  const index = new LshIndex();
  const kept = new Map();
  for (const line of readFileSync(input, "utf8").trimEnd().split("\n")) {
    const { id, text } = JSON.parse(line);
    const signature = signatureOf(shinglesOf(text));
    // Its query throws on a band that it has not seen, so the document goes in first and is found itself.
    index.insert(id, signature);
    if (!index.query(signature).some((other) => kept.has(other))) kept.set(id, line);
  }
  mkdirSync(out);
  writeFileSync(join(out, "kept.jsonl"), `${[...kept.values()].join("\n")}\n`);
  writeFileSync(join(out, "kept-ids.txt"), `${[...kept.keys()].join("\n")}\n`);
}

if (process.argv[1] === import.meta.filename) dedup(process.argv[2], process.argv[3]);
