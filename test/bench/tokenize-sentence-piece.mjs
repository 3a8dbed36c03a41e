// SentencePiece models beside the official library and the engine js: ids alone, cold and warm. The models are trained by
// the official library on the text itself, unigram and BPE with 8,000 pieces.
//
//   node test/bench/tokenize-sentence-piece.mjs native|js FILE MODEL     one contestant, as one JSON line
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { hasPeer, python, run } from "./compare.mjs";

const BLOCK_BYTES = 4 << 20;
const TRAIN = `import sentencepiece, sys
text, kind, model = sys.argv[1:]
with open(text, encoding="utf-8", errors="replace") as file, open(model, "wb") as out:
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=file, model_writer=out, model_type=kind, vocab_size=8000,
        input_sentence_size=200000, hard_vocab_limit=False, character_coverage=0.9995, num_threads=1, minloglevel=2)`;

/** Paragraphs in blocks of about BLOCK_BYTES, as a stage hands them over. */
function blocksOf(bytes) {
  const rows = new TextDecoder().decode(bytes).split("\n\n");
  const blocks = [];
  for (let begin = 0; begin < rows.length; ) {
    let end = begin;
    for (let size = 0; end < rows.length && size < BLOCK_BYTES; end += 1) size += rows[end].length;
    const texts = rows.slice(begin, end).map((row) => Buffer.from(row));
    const offsets = new Uint32Array(texts.length + 1);
    for (const [i, text] of texts.entries()) offsets[i + 1] = offsets[i] + text.length;
    blocks.push({ text: Buffer.concat(texts), offsets });
    begin = end;
  }
  return blocks;
}

async function encodeOnce(engine, path, model) {
  const { loadSentencePiece, prepareSentencePiece } = await import("../../dist/tokenizers/sentence-piece.js");
  const blocks = blocksOf(readFileSync(path));
  const numBytes = blocks.reduce((sum, { text }) => sum + text.length, 0);
  await prepareSentencePiece(engine);
  const tokenizer = loadSentencePiece(model, model, { engine });
  const speed = () => {
    const begin = process.cpuUsage();
    let ids = 0;
    for (const { text, offsets } of blocks) ids += tokenizer.encodeBlock(text, offsets).ids.length;
    const { user, system } = process.cpuUsage(begin);
    return { ids, rate: numBytes / (user + system) };
  };
  const cold = speed();
  const warm = speed();
  const peakMegabytes = process.resourceUsage().maxRSS / 1e3;
  return { cold: cold.rate, warm: warm.rate, ids: cold.ids, peakMegabytes };
}

const PEER = `import json, resource, sys, time
import sentencepiece
path, model = sys.argv[1:]
rows = open(path, encoding="utf-8", errors="replace", newline="").read().split("\\n\\n")
size = sum(len(row.encode()) for row in rows)
processor = sentencepiece.SentencePieceProcessor(model_file=model)
def speed():
    begin = time.process_time()
    ids = sum(len(processor.encode(row)) for row in rows)
    return size / (time.process_time() - begin) / 1e6, ids
(cold, ids), (warm, _) = speed(), speed()
print(json.dumps({"cold": cold, "warm": warm, "ids": ids, "peakMegabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3}))`;

/**
 * Tables, one a text and kind of model. `texts`: paths by language; `folder`: for the models; `idsAlone(title, measures)`
 * makes a table of functions that return { cold, warm, ids, peakMegabytes }.
 */
export function sentencePiece(texts, folder, idsAlone) {
  if (!hasPeer("sentencepiece")) {
    console.log("\nSentencePiece is left out: the official library, which trains the models, is absent");
    return [];
  }
  const script = "test/bench/tokenize-sentence-piece.mjs";
  return Object.entries(texts).flatMap(([language, path]) =>
    ["unigram", "bpe"].map((kind) => {
      const model = join(folder, `${language}-${kind}.model`);
      const trained = spawnSync(python, ["-c", TRAIN, path, kind, model], { stdio: ["ignore", "ignore", "inherit"] });
      if (trained.status !== 0) throw new Error(`training ${model} failed`);
      return idsAlone(`SentencePiece's ids of ${language}, ${kind}`, {
        "millrace, native": () => JSON.parse(run(process.execPath, [script, "native", path, model])),
        "millrace, js": () => JSON.parse(run(process.execPath, [script, "js", path, model])),
        sentencepiece: () => JSON.parse(run(python, ["-c", PEER, path, model])),
      });
    }),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [engine, path, model] = process.argv.slice(2);
  console.log(JSON.stringify(await encodeOnce(engine, path, model)));
}
