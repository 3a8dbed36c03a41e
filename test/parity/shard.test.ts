import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readManifest } from "#src/formats/manifest.js";
import { openShard, textBytes, tokensOf } from "#src/formats/shard.js";
import { makeShards } from "../unit/shard/make-shards.js";

interface SplitSummary {
  readonly documents: number;
  readonly tokens: number;
  readonly digest: string;
  readonly types: string[];
}

/** A Python that has pyarrow; MILLRACE_PYTHON names one that is not on the path. */
function findPython(): string | undefined {
  return [process.env.MILLRACE_PYTHON, "python3"].find((python) => {
    if (python === undefined) return false;
    try {
      execFileSync(python, ["-c", "import pyarrow"], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  });
}

async function summarize(dir: string, split: "train" | "heldout"): Promise<Omit<SplitSummary, "types">> {
  const manifest = await readManifest(dir);
  const digest = createHash("sha256");
  for (const entry of manifest.shards.filter((shard) => shard.split === split)) {
    for (const batch of openShard(dir, entry, manifest.token_type).batches) {
      for (let row = 0; row < batch.numDocuments; row++) {
        const names = [batch.docId, batch.source].map((column) => Buffer.from(textBytes(column, row)).toString());
        digest.update(JSON.stringify([...names, Array.from(tokensOf(batch, row))]));
      }
    }
  }
  const { documents, tokens } = manifest.splits[split];
  return { documents, tokens, digest: digest.digest("hex") };
}

test("pyarrow reads the same documents and tokens from the shards", async () => {
  const python = findPython();
  if (python === undefined) {
    console.warn("no Python with pyarrow found (set MILLRACE_PYTHON): reading shards with pyarrow was not checked");
    return;
  }
  const dir = mkdtempSync(join(tmpdir(), "millrace-pyarrow-"));
  try {
    const documents = Array.from({ length: 300 }, (_, i) => ({
      id: `doc-${i}`,
      source: `s${i % 7}`,
      text: `Document ${i}.\n`.repeat(i),
    }));
    await makeShards(dir, [{ documents: documents.slice(0, 100) }, { documents: documents.slice(100) }], {
      heldout: 0.1,
    });
    const script = fileURLToPath(new URL("./read-shards.py", import.meta.url));
    const seen = JSON.parse(execFileSync(python, [script, dir], { encoding: "utf8" })) as Record<string, SplitSummary>;
    for (const split of ["train", "heldout"] as const) {
      const { types, ...rest } = seen[split]!;
      expect(rest).toEqual(await summarize(dir, split));
      expect(types).toEqual([
        "doc_id: string not null\nsource: string not null\ntokens: list<item: uint16 not null> not null\n  child 0, item: uint16 not null",
      ]);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});
