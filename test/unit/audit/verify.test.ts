// Every law of a finished dedup is seen to hold, and seen to be broken when one thing is damaged.
import { spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { AUDITED_VERSION, type VerifyResult, verifyDedup } from "#src/audit/verify.js";
import { dedupStage } from "#src/dedup/index.js";
import type { RemovedDocument } from "#src/formats/removed.js";
import { edited, mixedCorpus, Random, randomWords } from "../dedup/corpora.js";
import { changeStageFile, damaged, finishedDedup, linesOf, makeFolder } from "./finished.js";

/** Laws that do not hold. */
function broken({ laws }: VerifyResult): string[] {
  return laws.filter(({ violations }) => violations > 0).map(({ law }) => law);
}

async function brokenIn(dir: string): Promise<string[]> {
  return broken(await verifyDedup({ dir }));
}

const removedOf = (line: string): RemovedDocument => JSON.parse(line) as RemovedDocument;
const idOf = (line: string): string => (JSON.parse(line) as { id: string }).id;

// A family of one word list, near-duplicates at many grades, copies, strangers, bad records, repeated ids.
const documents = mixedCorpus(21, 40);
const bad = ['{"id":"cut off', '{"id":"x","text":7}', '{"id":"y"}', '{"a":1,"a":2,"text":"t"}', "[]"];
const repeated = [
  { id: documents[3]!.id, text: "another text under an id that stood before" },
  { id: documents[90]!.id, text: "and one more of these" },
];
const corpus = { "a.jsonl": [...documents.slice(0, 80), ...bad], "b.jsonl.gz": [...documents.slice(80), ...repeated] };

describe("a finished dedup", () => {
  let finished: string;
  let removed: RemovedDocument[];
  beforeAll(async () => {
    finished = await finishedDedup(corpus, { maxRejectedFraction: 0.5 });
    removed = linesOf(finished, "removed.jsonl").map(removedOf);
  });

  test("keeps every law, and the counts are those of the files", async () => {
    const result = await verifyDedup({ dir: finished });
    expect(broken(result)).toEqual([]);
    expect(result).toMatchObject({
      records: documents.length + bad.length + repeated.length,
      rejected: bad.length + repeated.length,
      kept: linesOf(finished, "kept.jsonl").length,
      removed: removed.length,
      compared: removed.length,
      undecided: 0,
    });
    expect(removed.length).toBeGreaterThan(30);
    expect(removed.some(({ jaccard }) => jaccard < 1)).toBe(true);
  });

  test("a changed byte of a kept line is seen", async () => {
    const dir = damaged(finished, "kept.jsonl", (lines) => {
      lines[5] = lines[5]!.replace('"text":"', '"text":" ');
      return lines;
    });
    expect(await brokenIn(dir)).toEqual(["kept-lines"]);
  });

  test("a kept line that is gone is a record that nothing accounts for", async () => {
    const needed = new Set(removed.map(({ kept }) => kept));
    const dir = damaged(finished, "kept.jsonl", (lines) => {
      lines.splice(
        lines.findIndex((line) => !needed.has(idOf(line))),
        1,
      );
      return lines;
    });
    changeStageFile(dir, (stage) => countsOf(stage, { documents_kept: (stage.counts.documents_kept ?? 0) - 1 }));
    expect(await brokenIn(dir)).toEqual(["accounted"]);
  });

  test("a kept line that stands twice, and one that no input has, are seen", async () => {
    for (const extra of [(lines: string[]) => lines[4]!, () => '{"id":"stranger","text":"from nowhere"}']) {
      const dir = damaged(finished, "kept.jsonl", (lines) => [...lines.slice(0, 9), extra(lines), ...lines.slice(9)]);
      changeStageFile(dir, (stage) => countsOf(stage, { documents_kept: (stage.counts.documents_kept ?? 0) + 1 }));
      expect(await brokenIn(dir)).toEqual(["kept-lines"]);
    }
  });

  test("two kept lines that changed places are seen", async () => {
    const dir = damaged(finished, "kept.jsonl", (lines) => {
      [lines[2], lines[30]] = [lines[30]!, lines[2]!];
    });
    expect(await brokenIn(dir)).toEqual(["kept-lines"]);
  });

  test("another similarity is seen, however small the difference", async () => {
    const line = removed.findIndex(({ jaccard }) => jaccard < 1);
    const { jaccard } = removed[line]!;
    const dir = damaged(finished, "removed.jsonl", (lines) => {
      lines[line] = lines[line]!.replace(String(jaccard), String(jaccard + 2 ** -53));
    });
    expect(await brokenIn(dir)).toEqual(["similarity"]);
  });

  test("another witness is seen by similarity and threshold", async () => {
    const stranger = linesOf(finished, "kept.jsonl")
      .map(idOf)
      .find((id) => !removed.some(({ kept }) => kept === id))!;
    const dir = damaged(finished, "removed.jsonl", (lines) => {
      lines[0] = JSON.stringify({ ...removed[0]!, kept: stranger });
    });
    expect(await brokenIn(dir)).toEqual(expect.arrayContaining(["similarity", "threshold"]));
  });

  test("a witness that was removed itself, as in a chain, is seen", async () => {
    const [first, ...others] = removed;
    const follower = others.findIndex(({ kept, jaccard }) => kept === first!.kept && jaccard === first!.jaccard);
    const line = follower < 0 ? 1 : follower + 1;
    const dir = damaged(finished, "removed.jsonl", (lines) => {
      lines[line] = JSON.stringify({ ...removed[line]!, kept: first!.id });
    });
    expect(await brokenIn(dir)).toContain("witness-kept");
  });

  test("a witness that the input does not have is seen", async () => {
    const dir = damaged(finished, "removed.jsonl", (lines) => {
      lines[0] = JSON.stringify({ ...removed[0]!, kept: "nobody" });
    });
    expect(await brokenIn(dir)).toEqual(["witness-kept"]);
  });

  test("a removed line that is gone, doubled, torn or out of order is seen", async () => {
    const gone = damaged(finished, "removed.jsonl", (lines) => lines.slice(1));
    expect(await brokenIn(gone)).toEqual(expect.arrayContaining(["files", "accounted"]));
    const doubled = damaged(finished, "removed.jsonl", (lines) => [...lines, lines[0]!]);
    expect(await brokenIn(doubled)).toEqual(["removed-lines"]);
    const torn = damaged(finished, "removed.jsonl", ([first, ...lines]) => [first!.slice(0, -3), ...lines]);
    expect(await brokenIn(torn)).toEqual(expect.arrayContaining(["removed-lines", "accounted"]));
    const reversed = damaged(finished, "removed.jsonl", (lines) => lines.reverse());
    expect(await brokenIn(reversed)).toEqual(["removed-lines"]);
  });

  test("a document that is removed and kept at once is seen", async () => {
    const kept = linesOf(finished, "kept.jsonl").map(idOf);
    const dir = damaged(finished, "removed.jsonl", (lines) => [
      ...lines,
      JSON.stringify({ id: kept.at(-1), kept: kept[0], jaccard: 0.9 }),
    ]);
    expect(await brokenIn(dir)).toEqual(expect.arrayContaining(["kept-lines"]));
  });

  test("a rejected line that is gone is seen, be it a bad record or a repeated id", async () => {
    const rejected = linesOf(finished, "rejected/rejected.jsonl");
    const without = (reason: string) =>
      damaged(finished, "rejected/rejected.jsonl", (lines) => lines.filter((_, i) => i !== indexOf(rejected, reason)));
    expect(await brokenIn(without("invalid-json"))).toEqual(["files", "accounted"]);
    expect(await brokenIn(without("duplicate-id"))).toEqual(["files", "ids"]);
  });

  test("a rejected line with another place or another reason is seen", async () => {
    for (const change of [
      { line: 1 },
      { offset: 1 },
      { reason: "invalid-utf8" },
      { reason: "duplicate-id" },
      { reason: "missing-text" },
    ]) {
      const dir = damaged(finished, "rejected/rejected.jsonl", (lines) => {
        const at = indexOf(lines, "invalid-json");
        lines[at] = JSON.stringify({ ...JSON.parse(lines[at]!), ...change });
      });
      expect(await brokenIn(dir)).toContain("rejected");
    }
  });

  test("counts and digests that are not those of the files are seen", async () => {
    const miscounted = damaged(finished, "kept.jsonl", (lines) => lines);
    changeStageFile(miscounted, (stage) => countsOf(stage, { documents_removed: 1 }));
    expect(await brokenIn(miscounted)).toEqual(["files"]);
    const appended = damaged(finished, "kept.jsonl", (lines) => lines);
    appendFileSync(join(appended, "removed.jsonl"), "\n");
    expect(await brokenIn(appended)).toEqual(expect.arrayContaining(["files", "removed-lines"]));
  });

  test("only the first violations of a law are listed, all are counted", async () => {
    const dir = damaged(finished, "removed.jsonl", (lines) =>
      lines.map((line) => JSON.stringify({ ...removedOf(line), kept: "nobody" })),
    );
    const { laws } = await verifyDedup({ dir, limit: 2 });
    const law = laws.find(({ law }) => law === "witness-kept")!;
    expect([law.violations, law.first.length]).toEqual([removed.length, 2]);
  });

  test("the command exits with 0 when every law holds, with 1 and the place when one is broken, with 2 for another folder", () => {
    const main = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
    const verify = (dir: string) => spawnSync(process.execPath, [main, "dedup", "verify", dir], { encoding: "utf8" });
    const torn = damaged(finished, "removed.jsonl", (lines) => [lines[0]!, ...lines]);
    expect(verify(finished)).toMatchObject({ status: 0, stdout: expect.stringContaining("verified: every law holds") });
    expect(verify(torn)).toMatchObject({ status: 1, stdout: expect.stringMatching(/BAD +removed-lines.*line 2 of/s) });
    expect(verify(makeFolder())).toMatchObject({ status: 2, stdout: "" });
  });

  test("an input that changed is refused, and so is a folder that is no dedup", async () => {
    const moved = damaged(finished, "kept.jsonl", (lines) => lines);
    changeStageFile(moved, (stage) => ({
      ...stage,
      inputs: stage.inputs.map((input) => ({ ...input, digest: "xxh64:0000000000000000" })),
    }));
    await expect(verifyDedup({ dir: moved })).rejects.toMatchObject({ code: "input-changed" });
    await expect(verifyDedup({ dir: makeFolder() })).rejects.toMatchObject({ code: "config-input" });
  });
});

function countsOf<S extends { counts: Readonly<Record<string, number>> }>(stage: S, counts: Record<string, number>): S {
  return { ...stage, counts: { ...stage.counts, ...counts } };
}

function indexOf(lines: readonly string[], reason: string): number {
  return lines.findIndex((line) => (JSON.parse(line) as { reason: string }).reason === reason);
}

describe("the order of the policy", () => {
  const random = new Random(5);
  const base = randomWords(random, 120);
  const family = [0, 1, 2, 3].map((i) => ({
    id: `d${i}`,
    text: edited(random, base, 8).concat(randomWords(random, i)).join(" "),
    source: ["web", "books", "web", "wiki"][i],
    quality: [0.5, 0.9, -1, undefined][i],
  }));

  for (const keep of ["longest", "first", "source:wiki,books", "highest:quality", "lowest:quality"]) {
    test(`${keep} is recomputed, and the outputs of another policy break it`, async () => {
      const dir = await finishedDedup({ "x.jsonl": family }, { keep });
      expect(linesOf(dir, "kept.jsonl").length).toBe(1);
      expect(await brokenIn(dir)).toEqual([]);
      const other = damaged(dir, "kept.jsonl", (lines) => lines);
      const opposite = keep === "highest:quality" ? "lowest:quality" : "highest:quality";
      changeStageFile(other, (stage) => ({ ...stage, config: { ...Object(stage.config), keep: opposite } }));
      expect(await brokenIn(other)).toEqual(keep === opposite ? [] : ["order"]);
    });
  }

  test("between documents of one length the hash of the content decides, between copies the text, then the id", async () => {
    const words = randomWords(random, 60);
    const swapped = [...words.slice(0, 58), words[59]!, words[58]!];
    const texts = [words.join(" "), swapped.join(" "), words.join(", "), words.join(" ")];
    const dir = await finishedDedup({ "x.jsonl": texts.map((text, i) => ({ id: `${i}`, text })) });
    expect(await brokenIn(dir)).toEqual([]);
    const [kept] = linesOf(dir, "kept.jsonl").map(idOf);
    // With any other document in the place of the kept one the order does not hold.
    const broke = await Promise.all(
      ["0", "1", "2", "3"]
        .filter((id) => id !== kept)
        .map(async (id) => {
          const survivor = JSON.stringify({ id, text: texts[Number(id)] });
          const all = damaged(dir, "kept.jsonl", () => [survivor]);
          const lines = linesOf(dir, "removed.jsonl").map(removedOf);
          const jaccard = lines.find((line) => line.id === id)!.jaccard;
          const swap = damaged(all, "removed.jsonl", () =>
            ["0", "1", "2", "3"]
              .filter((one) => one !== id)
              .map((one) => JSON.stringify({ id: one, kept: id, jaccard: one === kept ? jaccard : 1 })),
          );
          return brokenIn(swap);
        }),
    );
    for (const laws of broke) expect(laws).toContain("order");
  });
});

describe("the outputs of --exact", () => {
  test("keep the exact laws; a pair that was missed is seen, and a witness that is not the nearest", async () => {
    const dir = await finishedDedup({ "x.jsonl": documents }, { exact: true });
    const result = await verifyDedup({ dir });
    expect(broken(result)).toEqual([]);
    expect(result.exact).toMatchObject({ sampled: false, probed: result.kept, indexedKept: result.kept });

    // Bands of twelve rows miss pairs; what they leave is no exact result.
    const loose = await finishedDedup({ "x.jsonl": documents }, { bands: 1, rows: 12 });
    expect(await brokenIn(loose)).toEqual([]);
    changeStageFile(loose, (stage) => ({ ...stage, config: { ...Object(stage.config), exact: true } }));
    expect(await brokenIn(loose)).toContain("exact");
  });

  test("a witness that is above the threshold but not the nearest breaks a law", async () => {
    const random = new Random(9);
    const base = randomWords(random, 200);
    const [far, near, small] = [base.concat(randomWords(random, 40)), base.concat(randomWords(random, 10)), base];
    // The two longer ones are apart; the shortest one is alike with both.
    const texts = [randomWords(random, 30).concat(far), near.concat(randomWords(random, 45)), small];
    const dir = await finishedDedup(
      { "x.jsonl": texts.map((words, i) => ({ id: `${i}`, text: words.join(" ") })) },
      { exact: true, threshold: 0.7 },
    );
    const [line] = linesOf(dir, "removed.jsonl").map(removedOf);
    expect(await brokenIn(dir)).toEqual([]);
    expect(linesOf(dir, "kept.jsonl").length).toBe(2);
    const other = line!.kept === "0" ? "1" : "0";
    const common = 196;
    const union = (words: readonly string[]): number => words.length - 4;
    const jaccard = common / union(texts[Number(other)]!);
    const worse = damaged(dir, "removed.jsonl", () => [JSON.stringify({ id: "2", kept: other, jaccard })]);
    expect(await brokenIn(worse)).toEqual(["best-witness"]);
  });
});

test("texts, compressed files, numbers as ids and ids made of places are audited like others", async () => {
  const random = new Random(3);
  const words = randomWords(random, 80);
  const one = words.join(" ");
  const dir = await finishedDedup(
    {
      "one.txt": `\ufeff${one}\nline "two"`,
      "two.txt.gz": `${one}\nLINE two`,
      "noid.jsonl": [
        { text: one },
        { text: `${one} more` },
        { text: one },
        '{"text":"\\u0041nother one altogether"}\r',
      ],
      "noid.jsonl.gz": ["", "   ", { text: `${one} more of it` }, { text: "unlike all the others, this" }],
      "number.jsonl": [
        '{"id":1.0,"text":"a b c d e f g"}',
        '{"id":1,"text":"a b c d e f g!"}',
        '{"id":"1","text":"z"}',
      ],
    },
    { maxRejectedFraction: 0.5 },
  );
  expect(await brokenIn(dir)).toEqual([]);
  expect(linesOf(dir, "removed.jsonl").length).toBeGreaterThan(4);
});

test("the audit knows the stage's version", () => {
  expect(dedupStage.version).toBe(AUDITED_VERSION);
});
