// A JSON array of 30 GB on a single line through `millrace clean` with its defaults, and the most memory that the process
// and all below it had. The array is streamed from an object store on this machine that makes it as it is read: only what
// clean writes takes disk, 6 GB. MILLRACE_BIG_GB, _SHARE (of documents that stay) and _WORKERS (such as 1,2,4,8) choose others.
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "./compare.mjs";
import { measureTree } from "./process-tree.mjs";

const MIB = 2 ** 20;
const gigabytes = Number(process.env.MILLRACE_BIG_GB ?? 30);
const share = Number(process.env.MILLRACE_BIG_SHARE ?? 0.1);
const workers = (process.env.MILLRACE_BIG_WORKERS ?? "2").split(",").map(Number);

async function startStore() {
  // The store is that of the tests. What is wrong with their types is not this bench's to say.
  spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-b", "test"], { cwd: root });
  const args = ["test/bench/big-json-store.mjs", String(gigabytes * 1e9), String(share)];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface(child.stdout)) return { child, ...JSON.parse(line) };
  throw new Error("expected the object store to start");
}

/** Resident MiB at each tenth of the time, to see that it does not grow. */
function tenths(curve) {
  return Array.from({ length: 10 }, (_, i) => {
    const part = curve.slice(Math.floor((curve.length * i) / 10), Math.floor((curve.length * (i + 1)) / 10));
    return Math.round(Math.max(0, ...part.map(([, bytes]) => bytes)) / MIB);
  });
}

export async function bigJson(folder) {
  const { child: store, endpoint, sizeBytes, numDocuments } = await startStore();
  const env = { ...process.env, AWS_ENDPOINT_URL_S3: endpoint, AWS_SKIP_SIGNATURE: "true" };
  const out = join(folder, "out");
  const rows = [];
  const title = `a single-line JSON array of ${(sizeBytes / 1e9).toFixed(1)} GB, ${numDocuments} documents, through clean`;
  console.log(`\n${title}`);
  try {
    for (const numWorkers of workers) {
      const args = ["dist/cli/main.js", "clean", "s3://bench/big.json", "--out", out, "--workers", String(numWorkers)];
      const { code, output, peakBytes, seconds, curve } = await measureTree(process.execPath, args, { cwd: root, env });
      if (code !== 0) throw new Error(`millrace clean failed: ${output}`);
      const { counts } = JSON.parse(readFileSync(join(out, "stage.json"), "utf8"));
      rmSync(out, { recursive: true });
      if (counts.documents_read !== numDocuments || counts.bytes_read !== sizeBytes) {
        throw new Error(`expected ${numDocuments} documents in ${sizeBytes} bytes, got ${JSON.stringify(counts)}`);
      }
      const row = {
        name: `${numWorkers} workers`,
        peakMebibytes: Math.round(peakBytes / MIB),
        seconds: Math.round(seconds),
        megabytesASecond: Math.round(sizeBytes / 1e6 / seconds),
        residentMebibytesByTenth: tenths(curve),
        kept: counts.documents_kept,
      };
      rows.push(row);
      console.log(
        `  ${row.name.padEnd(12)} peak ${row.peakMebibytes} MiB, ${row.megabytesASecond} MB/s, ${row.seconds} s, ` +
          `${row.kept} documents kept; most in each tenth: ${row.residentMebibytesByTenth.join(" ")}`,
      );
    }
  } finally {
    store.kill();
  }
  return [{ title, unit: "MiB", rows }];
}
