// One fresh process of `npm run bench -- tokenize`: encodes the paragraphs of a file twice and prints one JSON line: MB/s of
// processor time cold (a tokenizer that has built its tables) and warm, the number of ids, peak memory in MB.
//
//   node test/bench/tokenize-once.mjs millrace FILE [TOKENIZER]
//   node test/bench/tokenize-once.mjs gpt-tokenizer FILE FOLDER_OF_ITS_NODE_MODULES
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Texts come in blocks, as stages give them. */
const BLOCK_BYTES = 4 << 20;

const [, , name, path, where] = process.argv;
const encoder = new TextEncoder();

/** Paragraphs in blocks of about BLOCK_BYTES. */
function blocksOf(text) {
  const blocks = [[]];
  let size = 0;
  for (const row of text.split("\n\n")) {
    if (size >= BLOCK_BYTES) {
      blocks.push([]);
      size = 0;
    }
    blocks.at(-1).push(row);
    size += row.length;
  }
  return blocks;
}

async function millrace(blocks) {
  const { loadTokenizer } = await import("../../dist/tokenizers/index.js");
  const tokenizer = loadTokenizer(where ?? "gpt2");
  const encoded = blocks.map((texts) => {
    const rows = texts.map((row) => encoder.encode(row));
    const offsets = new Uint32Array(rows.length + 1);
    for (const [i, row] of rows.entries()) offsets[i + 1] = offsets[i] + row.length;
    return [Buffer.concat(rows), offsets];
  });
  tokenizer.encode("0");
  return () => encoded.reduce((sum, block) => sum + tokenizer.encodeBlock(...block).ids.length, 0);
}

async function gptTokenizer(blocks) {
  const file = createRequire(join(where, "package.json")).resolve("gpt-tokenizer/encoding/r50k_base");
  const { encode } = await import(pathToFileURL(file).href);
  const options = { disallowedSpecial: new Set() };
  encode("0", options);
  return () => blocks.flat().reduce((sum, row) => sum + encode(row, options).length, 0);
}

const bytes = readFileSync(path);
const blocks = blocksOf(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
const encode = await (name === "millrace" ? millrace(blocks) : gptTokenizer(blocks));
const rates = [];
let ids = 0;
for (let round = 0; round < 2; round += 1) {
  const before = process.cpuUsage();
  ids = encode();
  const { user, system } = process.cpuUsage(before);
  rates.push(bytes.length / (user + system));
}
const peakMegabytes = process.resourceUsage().maxRSS / 1e3;
console.log(JSON.stringify({ cold: rates[0], warm: rates[1], ids, peakMegabytes }));
