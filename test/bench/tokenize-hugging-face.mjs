// tokenizer.json beside Hugging Face tokenizers: MB/s of processor time, cold and warm, one fresh process each, for a file of
// every way through the code. The files are those of test/parity/golden-tokenizer-json.json.
//
//   node test/bench/tokenize-hugging-face.mjs ours NAME FILE     one process of it
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const golden = JSON.parse(readFileSync(join(root, "test/parity/golden-tokenizer-json.json"), "utf8"));

/** Native as a whole; native behind a normalizer and added tokens; native behind other pre-tokenizers; in JavaScript. */
export const TOKENIZERS = ["gpt2", "bert uncased", "qwen2", "deepseek", "llama2", "clip"];

/** Writes the tokenizer's file and returns its path. */
function writeTokenizer(name, folder) {
  const {
    model,
    added = [],
    normalizer = null,
    pre_tokenizer = null,
  } = golden.tokenizers.find((one) => one.name === name);
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  const end = { id: 0, content: "<end of document>", ...flags, special: true };
  const path = join(folder, "tokenizer.json");
  const file = {
    version: "1.0",
    added_tokens: [...added, end],
    normalizer,
    pre_tokenizer,
    model: golden.models[model],
  };
  writeFileSync(path, JSON.stringify(file));
  return path;
}

/** MB/s cold and warm, as `one` ("millrace" or "tokenizers") does it by `run(command, arguments)`, which returns its output. */
export function measureHuggingFace(one, name, textFile, { run, python }) {
  if (one === "millrace") {
    return JSON.parse(run(process.execPath, [fileURLToPath(import.meta.url), "ours", name, textFile]));
  }
  const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  try {
    return JSON.parse(run(python, ["-c", PEER, writeTokenizer(name, folder), textFile]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const PEER = `
import json, os, sys, time
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_file(sys.argv[1])
text = open(sys.argv[2], encoding="utf-8", errors="replace", newline="").read()
texts, rates = text.split("\\n\\n"), []
for _ in range(2):
    began = time.process_time()
    ids = sum(len(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts)
    rates.append(len(text.encode()) / 1e6 / (time.process_time() - began))
print(json.dumps({"cold": rates[0], "warm": rates[1], "ids": ids}))
`;

async function ours(name, textFile) {
  const { loadTokenizer } = await import("../../dist/tokenizers/index.js");
  const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  const tokenizer = loadTokenizer(`${writeTokenizer(name, folder)}#<end of document>`);
  rmSync(folder, { recursive: true });
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(readFileSync(textFile));
  const rows = text.split("\n\n").map((row) => Buffer.from(row));
  const offsets = new Uint32Array(rows.length + 1);
  for (const [i, row] of rows.entries()) offsets[i + 1] = offsets[i] + row.length;
  const bytes = Buffer.concat(rows);
  const rates = [];
  let ids = 0;
  for (let round = 0; round < 2; round += 1) {
    const before = process.cpuUsage();
    ids = tokenizer.encodeBlock(bytes, offsets).ids.length;
    const { user, system } = process.cpuUsage(before);
    rates.push(bytes.length / (user + system));
  }
  console.log(JSON.stringify({ cold: rates[0], warm: rates[1], ids }));
}

const [, , mode, name, textFile] = process.argv;
if (mode === "ours") await ours(name, textFile);
