// Writes N documents of 25 random words as JSONL; every hundredth is the one before with its last word changed (Jaccard
// 20/22 in word 5-grams). Usage: many-documents.mjs OUT N
import { closeSync, openSync, writeSync } from "node:fs";
import { generator } from "./corpus.mjs";

const WORDS_A_DOCUMENT = 25;
const [path, count] = [process.argv[2], Number(process.argv[3])];
const random = generator(1);
const letter = () => String.fromCharCode(97 + Math.floor(random() * 26));
const words = Array.from({ length: 50_000 }, () =>
  Array.from({ length: 3 + Math.floor(random() * 7) }, letter).join(""),
);
const word = () => words[Math.floor(random() * words.length)];

const file = openSync(path, "w");
let fresh = [];
let lines = [];
for (let i = 0; i < count; i += 1) {
  const isCopy = i % 100 === 99;
  if (!isCopy) fresh = Array.from({ length: WORDS_A_DOCUMENT }, word);
  const text = isCopy ? [...fresh.slice(0, -1), word()] : fresh;
  lines.push(`{"id":"${i}","text":"${text.join(" ")}"}\n`);
  if (lines.length < 20_000 && i + 1 < count) continue;
  writeSync(file, lines.join(""));
  lines = [];
}
closeSync(file);
