// Writes N documents of one template as JSONL: 90 words in three runs that all share, and between them 19 to 80 words of
// their own, so that any two have a Jaccard similarity of 0.30 to 0.59 in word 5-grams (78 shared shingles, 27 to 88 own ones
// each). The last K are near-copies of random earlier ones with one to three own words changed (0.75 to 0.94), so exactly K
// are to be removed. Usage: templates.mjs OUT N [K]; K is N / 1000 unless said. Deterministic for (N, K).
import { closeSync, openSync, writeSync } from "node:fs";
import { generator } from "./corpus.mjs";

const SHARED_RUN = 30;
const MIN_OWN = 19;
const MAX_OWN = 80;
const MAX_EDITS = 3;
const LINES_A_WRITE = 5_000;

const path = process.argv[2];
const count = Number(process.argv[3]);
const planted = Number(process.argv[4] ?? Math.floor(count / 1000));
if (!path || !(count > 2 * planted)) throw new Error("usage: templates.mjs OUT N [K], N > 2 K");

const random = generator(7);
const letter = () => String.fromCharCode(97 + Math.floor(random() * 26));
const words = Array.from({ length: 50_000 }, () =>
  Array.from({ length: 3 + Math.floor(random() * 7) }, letter).join(""),
);
const shared = Array.from({ length: 3 }, (_, run) => words.slice(run * SHARED_RUN, (run + 1) * SHARED_RUN).join(" "));

/** The own words of document i: from a generator of its own, so that a copy needs no memory of its original. */
function ownWords(i) {
  const draw = generator(i + 1);
  const length = MIN_OWN + Math.floor(draw() * (MAX_OWN - MIN_OWN + 1));
  return Array.from({ length }, () => words[3 * SHARED_RUN + Math.floor(draw() * (words.length - 3 * SHARED_RUN))]);
}

function line(id, own) {
  const middle = own.length >> 1;
  const parts = [shared[0], own.slice(0, middle).join(" "), shared[1], own.slice(middle).join(" "), shared[2]];
  return `{"id":"${id}","text":"${parts.join(" ")}"}\n`;
}

/** Each original is copied once, so that a copy is never as near to another copy. */
const originals = new Set();
while (originals.size < planted) originals.add(Math.floor(random() * (count - planted)));

const file = openSync(path, "w");
let lines = [];
function write(text) {
  lines.push(text);
  if (lines.length === LINES_A_WRITE) flush();
}
function flush() {
  writeSync(file, lines.join(""));
  lines = [];
}
for (let i = 0; i < count - planted; i += 1) write(line(`t${i}`, ownWords(i)));
for (const original of originals) {
  const own = ownWords(original);
  const edits = 1 + Math.floor(random() * MAX_EDITS);
  // The new words are in no vocabulary, so an edit never undoes itself.
  for (let edit = 0; edit < edits; edit += 1) own[Math.floor(random() * own.length)] = `edited${edit}x${original}`;
  write(line(`copy-of-t${original}`, own));
}
flush();
closeSync(file);
