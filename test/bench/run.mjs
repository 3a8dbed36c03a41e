// `npm run bench [-- NAME]`: Millrace beside its peers, alternating in one run, as ratios with spread. Speeds of one machine
// say little; ratios taken minute by minute on it say more. What each bench measures and how long it takes: README.md here.
//
// The peers are Python packages: MILLRACE_PEERS names a Python that has them (default: python3). What a Python lacks is said
// and left out. Prints tables and writes build/bench-NAME.json.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { bigJson } from "./big-json.mjs";
import { checkpoint } from "./checkpoint.mjs";
import { root, rounds, threads } from "./compare.mjs";
import { dedup } from "./dedup.mjs";
import { encodings } from "./encodings.mjs";
import { ingest } from "./ingest.mjs";
import { ops } from "./ops.mjs";
import { parallel } from "./parallel.mjs";
import { recall } from "./recall.mjs";
import { remote } from "./remote.mjs";
import { tokenization } from "./tokenization.mjs";
import { training } from "./training.mjs";

const BENCHES = {
  train: training,
  ops,
  parallel,
  checkpoint,
  tokenize: tokenization,
  dedup,
  recall,
  ingest,
  encodings,
  "big-json": bigJson,
  remote,
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(BENCHES);
const unknown = names.find((name) => !(name in BENCHES));
if (unknown !== undefined) throw new Error(`expected ${Object.keys(BENCHES).join(", ")}, got ${unknown}`);

const machine = {
  processor: cpus()[0].model,
  threads,
  node: process.version,
  date: new Date().toISOString().slice(0, 10),
};
mkdirSync(join(root, "build"), { recursive: true });
for (const name of names) {
  const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  try {
    const tables = await BENCHES[name](folder);
    const file = join(root, "build", `bench-${name}.json`);
    writeFileSync(file, `${JSON.stringify({ machine, rounds, tables }, null, 2)}\n`);
    console.log(`\n${JSON.stringify(machine)}\nwritten to build/bench-${name}.json`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
