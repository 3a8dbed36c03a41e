// Tables beside JSON lines: the same documents (id and text) as CSV, Parquet and Arrow, by the reader alone, in MB of text a
// second, so that ratios are those of time. Parquet and Arrow files are written by pyarrow, or left out.
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { writeBigArray } from "./big-array.mjs";
import { compare, hasPeer, python, run } from "./compare.mjs";

const SIZE_BYTES = 200e6 * Number(process.env.MILLRACE_BENCH_SCALE ?? 1);

const field = (value) => `"${value.replaceAll('"', '""')}"`;

/** Id and text of each document, as lines and as CSV; the bytes of the texts. */
async function writeLines(from, lines, csv) {
  let textBytes = 0;
  const outputs = [createWriteStream(lines), createWriteStream(csv)];
  outputs[1].write("id,text\n");
  for await (const line of createInterface({ input: createReadStream(from), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line === "") continue;
    const { id, text } = JSON.parse(line);
    textBytes += Buffer.byteLength(text);
    const written = [`${JSON.stringify({ id, text })}\n`, `${id},${field(text)}\n`];
    for (const [i, output] of outputs.entries()) {
      if (!output.write(written[i])) await once(output, "drain");
    }
  }
  await Promise.all(outputs.map((output) => once(output.end(), "finish")));
  return textBytes;
}

export async function ingestTables(folder) {
  const dir = join(folder, "tables");
  await mkdir(dir);
  const documents = join(folder, "documents.jsonl");
  await writeBigArray(documents, { sizeBytes: SIZE_BYTES, shareLong: 1, lines: true });
  const lines = join(dir, "lines.jsonl");
  const textBytes = await writeLines(documents, lines, join(dir, "lines.csv"));
  const files = { "JSON lines": "lines.jsonl", CSV: "lines.csv" };
  if (hasPeer("pyarrow")) {
    run(python, ["test/bench/peers/write_tables.py", lines, dir]);
    for (const codec of ["none", "snappy", "zstd"]) files[`Parquet, ${codec}`] = `${codec}.parquet`;
    for (const codec of ["none", "lz4"]) files[`Arrow, ${codec}`] = `${codec}.arrow`;
  } else {
    console.log("Parquet and Arrow are left out: pyarrow, which writes them, is missing");
  }
  const speed = (name) => () => {
    const { seconds } = JSON.parse(run(process.execPath, ["test/bench/ingest-once.mjs", "millrace", join(dir, name)]));
    return textBytes / 1e6 / seconds;
  };
  const contestants = Object.fromEntries(Object.entries(files).map(([title, name]) => [title, speed(name)]));
  return [compare("reading tables beside JSON lines", "MB of text/s", contestants)];
}
