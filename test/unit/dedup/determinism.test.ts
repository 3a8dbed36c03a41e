// What the result may not depend on: how the work was cut and ordered, the SIMD level, and (for the texts that survive)
// how the corpus was laid out in files.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { digestBytes } from "#src/base/digest.js";
import type { Limits } from "#src/dedup/index.js";
import { native } from "#src/native.js";
import { mixedCorpus, Random } from "./corpora.js";
import { type DedupOutcome, type RunOptions, runDedup, writeCorpus } from "./harness.js";

const documents = mixedCorpus(2, 40);
const asLines = documents.map((document) => `${JSON.stringify(document)}\n`);

/** Files of three kinds: what the block reader cuts, reads whole, and streams. */
function inputsOf(lines: readonly string[], cuts: readonly number[] = [100]) {
  const files: Record<string, string> = {};
  for (let i = 0; i <= cuts.length; i += 1) {
    const name = i % 3 === 1 ? `part-${i}.jsonl.gz` : `part-${i}.jsonl`;
    files[name] = lines.slice(cuts[i - 1] ?? 0, cuts[i]).join("");
  }
  return writeCorpus(files);
}

function sha256(bytes: string | Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function digests({ keptBytes, removedText, rejectedText, counts }: DedupOutcome): unknown {
  // Where a join is, how many pairs it looks at is part of how, not of what.
  const { candidate_pairs: _, verified_pairs: __, ...decided } = counts;
  return { kept: sha256(keptBytes), removed: sha256(removedText), rejected: sha256(rejectedText), counts: decided };
}

/** So small that every table, run and batch spills, and the join takes a set at a time. */
const TINY: Partial<Limits> = {
  documentsAPart: 50,
  keysAPart: 60,
  pairsARange: 16,
  shinglesABatch: 300,
  recordsARun: 5,
  joinBytes: 1,
  maxSeenBits: 8,
  maxCounterBits: 4,
};

const repeated = { id: documents[3]!.id!, text: "another text under an id that was there before" };
const lines = [...asLines, `${JSON.stringify(repeated)}\n`, "{broken\n"];

describe("the same bytes", () => {
  const inputs = inputsOf(lines, [60, 130]);
  // Where nearly every bucket is too large to pair out, and where there are no buckets at all.
  const candidates: Readonly<Record<string, RunOptions>> = {
    "by bands": {},
    "by crowds": { limits: { maxBucket: 2 } },
    "by all pairs": { config: { exact: true } },
  };
  const variations: Readonly<Record<string, RunOptions>> = {
    "with two workers": { concurrency: 2 },
    "with four workers, tasks last to first": { concurrency: 4, reversed: true },
    "with eight workers and blocks of 3,000 bytes": { blockBytes: 3000, concurrency: 8 },
    "with scalar code": { config: { simd: "scalar" } },
    "with 256 MB of memory": { config: { memory: "256M" } },
    "with 1 GB of memory": { config: { memory: "1G" }, concurrency: 2 },
    "where everything spills": { limits: TINY, blockBytes: 20_000, reversed: true },
    "where runs and ranges spill but the join does not": {
      limits: { ...TINY, joinBytes: 2 ** 20, shinglesABatch: 5000 },
      concurrency: 2,
    },
  };
  for (const [how, base] of Object.entries(candidates)) {
    describe(how, () => {
      const merged = (options: RunOptions): RunOptions => ({
        ...options,
        config: { maxRejectedFraction: 0.5, ...base.config, ...options.config },
        limits: { ...base.limits, ...options.limits },
      });
      let expected: DedupOutcome;
      beforeAll(async () => {
        expected = await runDedup(inputs, merged({}));
      });
      for (const [name, options] of Object.entries(variations)) {
        test(name, async () => {
          expect(digests(await runDedup(inputs, merged(options)))).toEqual(digests(expected));
        });
      }
      test("and at another threshold others, so the comparison can fail", async () => {
        expect(digests(await runDedup(inputs, merged({ config: { threshold: 0.9 } })))).not.toEqual(digests(expected));
      });
    });
  }
});

test("signatures are the same bits on every SIMD level of this machine", () => {
  const bytes = Buffer.from(documents.map(({ text }) => text).join(""));
  const offsets = new Uint32Array(documents.length + 1);
  for (const [i, { text }] of documents.entries()) offsets[i + 1] = offsets[i]! + Buffer.byteLength(text);
  for (const [bands, rows] of [
    [30, 5],
    [43, 6],
    [3, 7],
    [1, 1],
  ] as const) {
    const sign = (simd: "auto" | "scalar" | "avx2" | "avx512") =>
      native().signDocuments(new Uint8Array(bytes), offsets, { unit: "word", size: 5, bands, rows, seed: 9n, simd });
    const expected = sign("scalar");
    for (const simd of ["auto", "avx2", "avx512"] as const) {
      try {
        expect(sign(simd)).toEqual(expected);
      } catch (error) {
        if ((error as { code?: string }).code !== "native-invalid-argument") throw error;
        console.warn(`this processor has no ${simd}: not compared`);
      }
    }
  }
});

test.each([
  ["bands", false],
  ["an exact join", true],
])("with %s the texts that survive do not depend on the order and the files of the corpus", async (_, exact) => {
  const survivors = ({ kept }: DedupOutcome): string[] => kept.map(({ text }) => text).sort();
  const expected = survivors(await runDedup(inputsOf(asLines), { config: { exact } }));
  const random = new Random(3);
  for (let round = 0; round < 4; round += 1) {
    // Without ids of their own, documents are named by their places: these must not matter either.
    const shuffled = random
      .shuffled(documents)
      .map(({ id, ...rest }) => `${JSON.stringify(round % 2 === 0 ? { id, ...rest } : rest)}\n`);
    const inputs = inputsOf(shuffled, [20 + random.below(40), 80 + random.below(40)]);
    expect(survivors(await runDedup(inputs, { config: { exact } }))).toEqual(expected);
  }
});

test("under the policy first the order matters, so the comparison can fail", async () => {
  const survivors = async (lines: readonly string[]): Promise<string[]> =>
    (await runDedup(inputsOf(lines), { config: { keep: "first" } })).kept.map(({ text }) => text).sort();
  expect(await survivors(asLines)).not.toEqual(await survivors([...asLines].reverse()));
});

// Raise dedupStage.version together with these digests: a journal must never take old bytes for new ones.
test("version 3 writes these bytes", async () => {
  const { keptBytes, removedText } = await runDedup(writeCorpus({ "golden.jsonl": mixedCorpus(4, 30) }));
  expect([digestBytes(keptBytes), digestBytes(Buffer.from(removedText))]).toEqual([
    "xxh64:c019d98a5d5f84ee",
    "xxh64:69ca92497763a478",
  ]);
});

test("a damaged spill file stops the run with its name", async () => {
  const damage = (phase: string, workDir: string): void => {
    if (phase !== "fold") return;
    const [name] = readdirSync(join(workDir, "signatures"));
    const path = join(workDir, "signatures", name!);
    const bytes = readFileSync(path);
    // The first column follows the header, at the next multiple of 64.
    bytes[Math.ceil((16 + bytes.readUInt32LE(8)) / 64) * 64]! ^= 1;
    writeFileSync(path, bytes);
  };
  await expect(runDedup(writeCorpus({ "x.jsonl": documents }), { beforePhase: damage })).rejects.toMatchObject({
    code: "spill-damaged",
  });
});
