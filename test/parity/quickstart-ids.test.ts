// The shards that the user's own command makes of the quickstart corpus hold, document by document, the ids that tiktoken
// gives (golden file by make-quickstart-golden.py).
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readManifest } from "#src/formats/manifest.js";
import { openShard, textBytes, tokensOf } from "#src/formats/shard.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const golden = JSON.parse(readFileSync(join(root, "test/parity/golden-quickstart-ids.json"), "utf8")) as object;

interface Row {
  readonly id: Buffer;
  readonly ids: Int32Array;
}

async function rowsOf(dir: string): Promise<Row[]> {
  const manifest = await readManifest(dir);
  const rows: Row[] = [];
  for (const entry of manifest.shards) {
    for (const batch of openShard(dir, entry, manifest.token_type).batches) {
      for (let row = 0; row < batch.numDocuments; row++) {
        rows.push({ id: Buffer.from(textBytes(batch.docId, row)), ids: Int32Array.from(tokensOf(batch, row)) });
      }
    }
  }
  return rows.sort((a, b) => Buffer.compare(a.id, b.id));
}

function summaryOf(rows: readonly Row[]): object {
  const digest = createHash("sha256");
  let tokens = 0;
  for (const { id, ids } of rows) {
    digest.update(id).update("\0").update(new Uint8Array(ids.buffer));
    tokens += ids.length;
  }
  return { documents: rows.length, tokens, sha256: digest.digest("hex") };
}

test("every document of the quickstart corpus has tiktoken's ids in the shards", async () => {
  const out = mkdtempSync(join(tmpdir(), "millrace-ids-"));
  try {
    const set = ["train=false", "eval=false", `out=${out}`].flatMap((value) => ["--set", value]);
    execFileSync(process.execPath, ["dist/cli/main.js", "run", "pipelines/quickstart.yaml", ...set], {
      cwd: root,
      stdio: "ignore",
    });
    const rows = await rowsOf(join(out, "shards"));
    expect(summaryOf(rows)).toEqual(golden);
    rows[1000]!.ids[7]! += 1;
    expect(summaryOf(rows)).not.toEqual(golden);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});
