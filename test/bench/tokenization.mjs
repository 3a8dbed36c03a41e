// JSONL to token shards, beside tiktoken on a smaller file.
import { join } from "node:path";
import { compare, hasPeer, python, run, stage, threads } from "./compare.mjs";
import { writeCorpus } from "./corpus.mjs";

export async function tokenization(folder) {
  const path = join(folder, "corpus.jsonl");
  await writeCorpus(path, 300e6);
  const small = join(folder, "small.jsonl");
  await writeCorpus(small, 12e6);
  const tiktoken = () => Number(JSON.parse(run(python, ["test/bench/tokenize_peer.py", small])).megabytes_per_second);
  const shard = (...args) => stage(["shard", path, "--tokenizer", "gpt2", ...args], path, folder);
  const table = compare("tokenization with GPT-2's vocabulary, JSONL to shards", "MB/s", {
    [`millrace, ${threads} workers`]: () => shard(),
    "millrace, 1 worker": () => shard("--workers", "1"),
    ...(hasPeer("tiktoken") ? { "tiktoken, 1 thread, ids only": tiktoken } : {}),
  });
  return [table];
}
