// Real near-duplicates: the licence texts of the npm package spdx-license-list, audited, and beside their published truth.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { verifyDedup } from "#src/audit/verify.js";
import type { RemovedDocument } from "#src/formats/removed.js";
import { finishedDedup, linesOf } from "./finished.js";

const truthPath = fileURLToPath(
  new URL("../../../../shared/data/near-duplicates/spdx-licenses.jaccard5w.tsv", import.meta.url),
);

const OTHER_WORDS = /[\p{M}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;
const ROUNDING = 0.00005 + 1e-9;

let dir: string;
let textOf: ReadonlyMap<string, string>;
let removed: RemovedDocument[];
beforeAll(async () => {
  const path = createRequire(import.meta.url).resolve("spdx-license-list/spdx-full.json");
  const licences = Object.entries(JSON.parse(readFileSync(path, "utf8")) as Record<string, { licenseText: string }>);
  textOf = new Map(licences.map(([id, { licenseText }]) => [id, licenseText]));
  dir = await finishedDedup({ "licences.jsonl": licences.map(([id, { licenseText }]) => ({ id, text: licenseText })) });
  removed = linesOf(dir, "removed.jsonl").map((line) => JSON.parse(line) as RemovedDocument);
});

test("every law holds on the licence texts", async () => {
  const { laws, compared, records } = await verifyDedup({ dir });
  expect(laws.filter(({ violations }) => violations > 0)).toEqual([]);
  expect([records, compared]).toEqual([727, removed.length]);
});

test("every removal is a true pair, and no true pair is kept whole", () => {
  if (!existsSync(truthPath)) {
    console.warn("no ../shared/data/near-duplicates: removals of licences were not compared with their truth");
    return;
  }
  const truth = new Map<string, number>();
  for (const line of readFileSync(truthPath, "utf8").trim().split("\n").slice(1)) {
    const [a, b, jaccard] = line.split("\t") as [string, string, string];
    truth.set(`${a}\t${b}`, Number(jaccard)).set(`${b}\t${a}`, Number(jaccard));
  }
  // The truth has four decimals; its words are other ones where a text has marks or a script without spaces.
  const isPlain = (id: string): boolean => !OTHER_WORDS.test(textOf.get(id)!.normalize("NFC"));
  const plain = removed.filter(({ id, kept }) => isPlain(id) && isPlain(kept));
  expect(removed.length - plain.length).toBeLessThan(5);
  for (const { id, kept, jaccard } of plain) {
    expect(Math.abs(truth.get(`${id}\t${kept}`)! - jaccard), `${id} and ${kept}`).toBeLessThanOrEqual(ROUNDING);
  }
  const gone = new Set(removed.map(({ id }) => id));
  const above = [...truth].filter(([pair, jaccard]) => jaccard > 0.7 && pair.split("\t").every(isPlain));
  expect(above.length).toBeGreaterThan(600);
  expect(above.filter(([pair]) => !pair.split("\t").some((id) => gone.has(id)))).toEqual([]);
});
