// Ids of many texts for check-sentence-piece.py: MODEL TEXTS IDS [native|js]. TEXTS: | bytes: u32 | text | ...; IDS:
// | number of ids: i32 | ids: i32 | ...
import { readFileSync, writeFileSync } from "node:fs";
import { loadSentencePiece, prepareSentencePiece } from "../../dist/tokenizers/sentence-piece.js";

const [model, source, target, engine = "native"] = process.argv.slice(2);
await prepareSentencePiece(engine);
const tokenizer = loadSentencePiece(model, model, { engine });
const bytes = readFileSync(source);
const rows = [];
for (let at = 0; at < bytes.length; ) {
  const end = at + 4 + bytes.readUInt32LE(at);
  rows.push(bytes.subarray(at + 4, end));
  at = end;
}
const offsets = new Uint32Array(rows.length + 1);
for (const [i, row] of rows.entries()) offsets[i + 1] = offsets[i] + row.length;
const { ids, offsets: ends } = tokenizer.encodeBlock(Buffer.concat(rows), offsets);
const out = new Int32Array(ids.length + rows.length);
for (let row = 0, at = 0; row < rows.length; row += 1) {
  const found = ids.subarray(ends[row], ends[row + 1]);
  out[at] = found.length;
  out.set(found, at + 1);
  at += 1 + found.length;
}
writeFileSync(target, out);
