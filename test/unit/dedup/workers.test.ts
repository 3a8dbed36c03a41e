// Through the user's own command: the bytes of every data output are the same for any number of workers, any SIMD level
// and any bound of memory.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { mixedCorpus } from "./corpora.js";
import { makeFolder, writeCorpus } from "./harness.js";

const CLI = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
const OUTPUTS = ["kept.jsonl", "removed.jsonl", "rejected/rejected.jsonl", "statistics.json"];

// More than one block: blocks of small inputs are a MiB.
const documents = mixedCorpus(8, 1500);
const inputs = writeCorpus({ "a.jsonl": documents.slice(0, 6000), "b.jsonl.gz": documents.slice(6000) }).map(
  ({ path }) => path,
);

function digests(...options: string[]): string[] {
  const out = join(makeFolder(), "out");
  execFileSync(process.execPath, [CLI, "dedup", ...inputs, "--out", out, ...options], { stdio: "pipe" });
  return OUTPUTS.map((name) =>
    createHash("sha256")
      .update(readFileSync(join(out, name)))
      .digest("hex"),
  );
}

const expected = digests("--workers", "1", "--simd", "scalar");

for (const options of [
  ["--workers", "2"],
  ["--workers", "4"],
  ["--workers", "8", "--memory", "256M"],
]) {
  test(`SHA-256 of the outputs with ${options.join(" ")} is that of one worker's with scalar code`, () => {
    expect(digests(...options)).toEqual(expected);
  });
}

test("another seed finds other candidates or samples others, and the comparison can fail", () => {
  expect(digests("--seed", "1")).not.toEqual(expected);
});
