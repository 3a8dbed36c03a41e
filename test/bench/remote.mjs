// An object store on this machine beside the plain file of the same bytes: the streams alone, and whole commands. The store
// takes processor time too, of the same cores; a real one does not, but is further away.
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { compare, megabytesASecond, root, run } from "./compare.mjs";

const SIZE_BYTES = 300e6 * Number(process.env.MILLRACE_BENCH_SCALE ?? 1);

/** Documents of about 2 kB, every one another. */
function writeLines(path) {
  const file = openSync(path, "w");
  const words = Array.from({ length: 4096 }, (_, i) => (i * 2654435761).toString(36).slice(0, 3 + (i % 6)));
  for (let written = 0, i = 0; written < SIZE_BYTES; ) {
    let lines = "";
    for (const end = i + 500; i < end; i += 1) {
      const text = Array.from({ length: 330 }, (_, at) => words[(i * 331 + at * at * 7) & 4095]).join(" ");
      lines += `${JSON.stringify({ id: `d${i}`, text })}\n`;
    }
    written += writeSync(file, lines);
  }
  closeSync(file);
}

async function startStore(file) {
  // The store is that of the tests. What is wrong with their types is not this bench's to say.
  spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-b", "test"], { cwd: root });
  const child = spawn(process.execPath, ["test/bench/remote-store.mjs", file], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const endpoint of createInterface(child.stdout)) return { child, endpoint };
  throw new Error("expected the object store to start");
}

const STREAM = `
const { openStored } = await import("./dist/base/storage/index.js");
const file = await openStored(process.argv[1]);
const began = performance.now();
let numBytes = 0;
for await (const chunk of file.stream()) numBytes += chunk.length;
console.log(numBytes / 1e3 / (performance.now() - began));
`;

export async function remote(folder) {
  const file = join(folder, "bench.jsonl");
  writeLines(file);
  const { child: store, endpoint } = await startStore(file);
  const env = { ...process.env, AWS_ENDPOINT_URL_S3: endpoint, AWS_SKIP_SIGNATURE: "true" };
  const uri = "s3://bench/bench.jsonl";
  const stream = (input) => () => Number(run(process.execPath, ["--input-type=module", "-e", STREAM, input], { env }));
  const out = join(folder, "out");
  const command = (stage, input) => () =>
    megabytesASecond(file, out, process.execPath, ["dist/cli/main.js", stage, input, "--out", out], { env });
  try {
    return [
      compare("A file as a stream", "MB/s", { "plain file": stream(file), "s3:// on this machine": stream(uri) }),
      ...["clean", "dedup"].map((stage) =>
        compare(`millrace ${stage}`, "MB/s", {
          "plain file": command(stage, file),
          "s3:// on this machine": command(stage, uri),
        }),
      ),
    ];
  } finally {
    store.kill();
  }
}
