// Dedup end to end: JSONL to JSONL as whole commands, beside peers on the same input and threshold, with the recall and
// precision of each against the exact oracle in the same table, because speed at 3 % recall is not speed. Peers are slower by
// so much that they get a smaller file; Millrace runs on that file too, and all are judged on it.
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { hasPeer, megabytesASecond, python, rounds, run, show, spread, stage, threads } from "./compare.mjs";
import { SPREAD_EDITS, writeCorpus } from "./corpus.mjs";
import { checkOracle, judge, oracleOfFile, readDocuments } from "./oracle.mjs";

const scale = Number(process.env.MILLRACE_BENCH_SCALE ?? 1);
/** Bytes of the files; each contestant gets one that takes it seconds. `huge` is not judged: the oracle would need gigabytes. */
const SIZES = { huge: 1500e6, large: 300e6, medium: 72e6, small: 24e6, tiny: 3e6 };
/** Peers that get `medium`; the other Python peers get `small`, npm minhash `tiny`. */
const FAST = ["rensa", "rensa-c", "rensa-rho", "gaoya", "fastsketch"];

/** What a reader has to know of each peer to judge its figures. */
const PEERS = {
  datatrove: "its English words and normalisation, 14 buckets of 8, not verified",
  "datatrove-tuned": "Millrace's words, 30 buckets of 5, not verified",
  "text-dedup": "its words, 250 permutations in 25 bands of 10, not verified",
  datasketch: "Millrace's shingles, 128 permutations in 14 bands of 9, not verified",
  "datasketch-tuned": "Millrace's shingles, 30 bands of 5, estimate above 0.7",
  rensa: "Millrace's shingles, R-MinHash 128, its bands, estimate above 0.7",
  "rensa-c": "Millrace's shingles, C-MinHash 128, estimate above 0.7",
  "rensa-rho": "Millrace's shingles, sampled (rho) 128 in 8 bands, not verified",
  gaoya: "its words, 20 bands of 5, estimate above 0.7",
  fastsketch: "Millrace's shingles, 128 in 16 bands, not verified",
};

function files(folder) {
  return Object.entries(SIZES).map(([name, size]) => ({
    name,
    size: size * scale,
    path: join(folder, `${name}.jsonl`),
  }));
}

const idsOfKept = (out) => Array.from(readDocuments(join(out, "kept.jsonl")), ({ id }) => id);
const idsListed = (out) => readFileSync(join(out, "kept-ids.txt"), "utf8").trimEnd().split("\n");

function ours(name, file, folder, ...options) {
  return {
    name: `millrace ${name}`,
    file,
    what: "verified, every removal with its witness",
    measure: () => stage(["dedup", file.path, ...options], file.path, folder),
    kept: () => idsOfKept(join(folder, "out")),
  };
}

function peer(name, what, file, folder, command, script) {
  const out = join(folder, "out");
  return {
    name,
    what,
    file,
    measure: () => megabytesASecond(file.path, out, command, [...script, file.path, out, String(threads)]),
    kept: () => idsListed(out),
  };
}

function pythonPeers({ medium, small }, folder) {
  const script = ["-B", "test/bench/peers/removal.py"];
  const here = hasPeer("regex") ? JSON.parse(run(python, [...script, "--list"])) : [];
  const missing = Object.keys(PEERS).filter((name) => !here.includes(name));
  if (missing.length > 0) console.log(`not in ${python}: ${missing.join(", ")}`);
  return here.map((name) =>
    peer(name, PEERS[name], FAST.includes(name) ? medium : small, folder, python, [...script, name]),
  );
}

function contestants(folder, inputs) {
  const workers = ["--workers", String(threads)];
  const minhash = "Millrace's shingles, 32 bands of 4, not verified, 1 process";
  const onAll = Object.values(inputs).map((file) => ours(`${threads} workers`, file, folder, ...workers));
  return [
    ...onAll,
    ours("1 worker", inputs.large, folder, "--workers", "1"),
    ours(`js engine, ${threads} workers`, inputs.small, folder, ...workers, "--engine", "js"),
    ...pythonPeers(inputs, folder),
    peer("npm minhash", minhash, inputs.tiny, folder, process.execPath, ["test/bench/peers/npm-minhash.mjs"]),
  ];
}

const percent = (value) => `${(100 * value).toFixed(2)} %`;

/** One round of one contestant. A peer that fails is named and left out; a failure of ours ends the bench. */
function takesPart(row, round) {
  try {
    row.speeds.push(row.measure());
    if (round === 0 && row.file.oracle) row.judgement = judge(row.file.oracle, row.kept());
    return true;
  } catch (error) {
    if (row.name.startsWith("millrace")) throw error;
    console.log(`${row.name} fails: ${error.message.slice(-500)}`);
    return false;
  }
}

export async function dedup(folder) {
  const inputs = files(folder);
  for (const input of inputs) {
    await writeCorpus(input.path, input.size, SPREAD_EDITS);
    input.megabytes = statSync(input.path).size / 1e6;
    if (input.name === "huge") continue;
    input.oracle = oracleOfFile(input.path);
    const { ids, pairs } = input.oracle;
    console.log(
      `${input.name}: ${input.megabytes.toFixed(1)} MB, ${ids.length} documents, ${pairs.length} pairs above 0.7`,
    );
    if (input.name === "tiny") checkOracle(input.path, input.oracle);
  }
  let rows = contestants(folder, Object.fromEntries(inputs.map((input) => [input.name, input])));
  for (const row of rows) row.speeds = [];
  for (let round = 0; round < rounds; round += 1) rows = rows.filter((row) => takesPart(row, round));
  rmSync(join(folder, "out"), { recursive: true, force: true });
  return [table(rows)];
}

/** Ratios are to Millrace on the same file, taken in the same round. */
function table(rows) {
  const reference = (file) => rows.find((row) => row.file === file);
  const lines = rows.map(({ name, what, file, speeds, judgement }) => ({
    name,
    what,
    file: file.name,
    megabytes: file.megabytes,
    "MB/s": spread(speeds),
    ratio: spread(speeds.map((speed, round) => reference(file).speeds[round] / speed)),
    ...judgement,
  }));
  const title = `dedup, JSONL to JSONL, Jaccard 0.7, warm cache, ${threads} cores, median (least to most) of ${rounds} alternating rounds`;
  console.log(`\n${title}\n`);
  console.log("| tool | file | MB/s | Millrace is faster by | pair recall | removal precision | how |");
  console.log("|---|---|---|---|---|---|---|");
  for (const row of lines) {
    const cells = [
      row.name,
      `${row.megabytes.toFixed(0)} MB`,
      show(row["MB/s"], row["MB/s"].median < 100 ? 1 : 0),
      show(row.ratio, row.ratio.median < 100 ? 1 : 0),
      row.recall === undefined ? "" : `${percent(row.recall)} (${row.missedPairs} of ${row.oraclePairs} missed)`,
      row.recall === undefined ? "" : `${percent(row.precision)} (${row.unjustified} of ${row.removed} unjustified)`,
      row.what,
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
  return { title, unit: "MB/s", rows: lines };
}
