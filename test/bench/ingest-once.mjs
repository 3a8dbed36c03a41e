// One reader over one corpus in a process of its own: ingest-once.mjs NAME FILE prints {"documents", "textBytes", "seconds"}.
// Every reader gives each record's id and text; those of JavaScript as the objects that they make anyway.
import { createReadStream, statSync } from "node:fs";
import { createInterface } from "node:readline";

const [name, path] = process.argv.slice(2);
const isLines = path.endsWith(".jsonl");
let documents = 0;
let textBytes = 0;

function take({ id, text }) {
  documents += id === "" ? 0 : 1;
  // Of UTF-16 where the others count UTF-8: the corpora are nearly ASCII.
  textBytes += text.length;
}

/** Each loads its modules and gives a function that reads. */
const READERS = {
  async millrace() {
    const { blockReader } = await import("../../dist/read/index.js");
    const { DEFAULT_READ_OPTIONS } = await import("../../dist/formats/corpus.js");
    const { native } = await import("../../dist/native.js");
    native();
    return async () => {
      const input = { path, sizeBytes: statSync(path).size, digest: "" };
      for await (const { ref, payload } of blockReader.plan([input], DEFAULT_READ_OPTIONS, () => false)) {
        for await (const { block } of blockReader.documents(ref, DEFAULT_READ_OPTIONS, payload)) {
          documents += block.numDocuments;
          textBytes += block.text.length;
        }
      }
    };
  },
  async "stream-json"() {
    if (isLines) {
      const { default: parser } = await import("stream-json/jsonl/parser.js");
      return async () => {
        for await (const { value } of createReadStream(path).pipe(parser.asStream())) take(value);
      };
    }
    const { parser } = await import("stream-json");
    const { streamArray } = await import("stream-json/streamers/stream-array.js");
    return async () => {
      const values = createReadStream(path).pipe(parser.asStream()).pipe(streamArray.asStream());
      for await (const { value } of values) take(value);
    };
  },
  async readline() {
    return async () => {
      const lines = createInterface({ input: createReadStream(path) });
      for await (const line of lines) if (line !== "") take(JSON.parse(line));
    };
  },
};

const read = await READERS[name]();
const began = performance.now();
await read();
console.log(JSON.stringify({ documents, textBytes, seconds: (performance.now() - began) / 1000 }));
