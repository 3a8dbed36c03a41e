// Cuts the files of BooksCorpus that have a sentence a line and no borders of books into documents of 500 sentences:
//   node datasets/bookcorpus/cut.mjs books_large_p1.txt books_large_p2.txt > corpora/bookcorpus.jsonl
// Lines stay lines, so sentences stay sentences; none is lost, blank ones go. A document is named by file and first line.
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const SENTENCES = 500;

/** Records of `{id, text}` from lines of sentences. */
export async function* documentsOf(lines, name, size = SENTENCES) {
  let sentences = [];
  let [line, first] = [0, 1];
  const record = () => ({ id: `${name}:${first}`, text: sentences.join("\n") });
  for await (const sentence of lines) {
    line += 1;
    if (sentence.trim() === "") continue;
    if (sentences.length === 0) first = line;
    sentences.push(sentence);
    if (sentences.length < size) continue;
    yield record();
    sentences = [];
  }
  if (sentences.length > 0) yield record();
}

async function main(files) {
  if (files.length === 0) throw new Error("expected the files of sentences");
  for (const file of files) {
    const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
    for await (const record of documentsOf(lines, basename(file, ".txt"))) {
      if (!process.stdout.write(`${JSON.stringify(record)}\n`))
        await new Promise((done) => process.stdout.once("drain", done));
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main(process.argv.slice(2));
