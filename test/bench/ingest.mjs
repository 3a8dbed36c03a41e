// Reading JSON beside stream-json, readline with JSON.parse, and simdjson: the readers alone, each on one thread, and
// `millrace clean` as a user runs it, from the first byte read to the last one written. The same documents as lines and as
// one array on a single line; three quarters of their bytes are texts.
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeBigArray } from "./big-array.mjs";
import { compare, root, run, stage, threads } from "./compare.mjs";

const SIZE_BYTES = 300e6 * Number(process.env.MILLRACE_BENCH_SCALE ?? 1);

/** The C++ peer, when this machine has the library and a compiler. */
function simdjson() {
  const program = join(root, "build", "simdjson-ingest");
  try {
    mkdirSync(join(root, "build"), { recursive: true });
    const source = "test/bench/peers/simdjson_ingest.cc";
    run(process.env.CXX ?? "c++", ["-std=c++20", "-O3", source, "-o", program, "-lsimdjson"]);
    return program;
  } catch {
    console.log("simdjson is left out: its library (libsimdjson-dev) or a compiler is missing");
    return undefined;
  }
}

function readersOf(path, documents, peer) {
  const size = statSync(path).size / 1e6;
  const isLines = path.endsWith(".jsonl");
  const speed = (output) => {
    const found = JSON.parse(output);
    if (found.documents !== documents) throw new Error(`expected ${documents} documents, got ${output}`);
    return size / found.seconds;
  };
  const once = (name) => () => speed(run(process.execPath, ["test/bench/ingest-once.mjs", name, path]));
  return {
    "millrace, the reader alone": once("millrace"),
    ...(peer === undefined ? {} : { simdjson: () => speed(run(peer, [isLines ? "lines" : "array", path])) }),
    ...(isLines ? { "readline and JSON.parse": once("readline") } : {}),
    "stream-json": once("stream-json"),
  };
}

export async function ingest(folder) {
  const peer = simdjson();
  const tables = [];
  for (const name of ["lines.jsonl", "array.json"]) {
    const path = join(folder, name);
    const options = { sizeBytes: SIZE_BYTES, shareLong: 1, lines: name.endsWith(".jsonl") };
    const { numDocuments } = await writeBigArray(path, options);
    const title = options.lines ? "reading JSON lines" : "reading a JSON array on a single line";
    tables.push(compare(title, "MB/s", readersOf(path, numDocuments, peer)));
    tables.push(
      compare(`millrace clean of the same, whole command`, "MB/s", {
        [`${threads} workers`]: () => stage(["clean", path], path, folder),
        "1 worker": () => stage(["clean", path, "--workers", "1"], path, folder),
      }),
    );
  }
  // Tables of CSV, Parquet and Arrow have a file of their own.
  const others = new URL("./ingest-tables.mjs", import.meta.url);
  if (existsSync(others)) tables.push(...(await (await import(others)).ingestTables(folder)));
  return tables;
}
