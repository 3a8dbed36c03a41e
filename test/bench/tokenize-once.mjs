// One fresh process of `npm run bench -- tokenize`: encodes the paragraphs of a file twice with GPT-2's vocabulary and
// prints one JSON line: MB/s of processor time cold and warm, the number of ids, peak memory in MB.
//
//   node test/bench/tokenize-once.mjs millrace|gpt-tokenizer FILE
import { readFileSync } from "node:fs";

const [, , name, path] = process.argv;
const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(readFileSync(path));
const texts = text.split("\n\n");
const encoder = new TextEncoder();
const sizeBytes = encoder.encode(text).length;

async function millrace() {
  const { loadTokenizer } = await import("../../dist/tokenizers/index.js");
  const tokenizer = loadTokenizer("gpt2");
  const rows = texts.map((row) => encoder.encode(row));
  const offsets = new Uint32Array(rows.length + 1);
  for (const [i, row] of rows.entries()) offsets[i + 1] = offsets[i] + row.length;
  const bytes = Buffer.concat(rows);
  return () => tokenizer.encodeBlock(bytes, offsets).ids.length;
}

async function gptTokenizer() {
  const { encode } = await import("gpt-tokenizer/encoding/r50k_base");
  return () => texts.reduce((sum, row) => sum + encode(row, { disallowedSpecial: new Set() }).length, 0);
}

const encode = await (name === "millrace" ? millrace() : gptTokenizer());
const rates = [];
let ids = 0;
for (let round = 0; round < 2; round += 1) {
  const before = process.cpuUsage();
  ids = encode();
  const { user, system } = process.cpuUsage(before);
  rates.push(sizeBytes / (user + system));
}
const peakMegabytes = process.resourceUsage().maxRSS / 1e3;
console.log(JSON.stringify({ cold: rates[0], warm: rates[1], ids, peakMegabytes }));
