// All rules through the stage: order, sources, reasons, counts, lists, versions.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { digestBytes } from "#src/base/digest.js";
import { cleanStage } from "#src/clean/index.js";
import { matchesSource } from "#src/clean/sources.js";
import { cleanTasks } from "#src/clean/tasks.js";
import { createBlockReader } from "#src/read/index.js";
import { conduct, refsOf } from "./conduct.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rules-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const OFF = { minTokens: 0, tokenizer: "whitespace-words" };

async function list(name: string, entries: readonly string[]): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, `# a list\n\n${entries.join("\r\n")}\n`);
  return path;
}

describe("the rules of a run", () => {
  test("patterns of sources match whole names", () => {
    expect(matchesSource(["cc-stories*", "x"], "cc-stories-001")).toBe(true);
    expect(matchesSource(["cc-stories"], "cc-stories-001")).toBe(false);
    expect(matchesSource(["a.c"], "abc")).toBe(false);
  });

  const RECORDS = [
    { id: "url", text: "dropped by address", url: "http://www.blocked.com/x" },
    { id: "title", text: "dropped by title", title: "Robert_Boulter" },
    { id: "repaired", text: "It doesnâ€™t matter to the old man who walked to the river." },
    { id: "german", text: "Der Hund läuft durch den Wald, und die Katze schläft ruhig im Haus." },
    { id: "short", text: "Too short to stay here." },
  ];

  async function run(config: object, out: string, records: readonly object[] = RECORDS) {
    await writeFile(join(dir, "web.jsonl"), records.map((record) => `${JSON.stringify(record)}\n`).join(""));
    const inputs = await refsOf([join(dir, "web.jsonl")]);
    const reader = createBlockReader({ blockBytes: 150, maxRecordBytes: 4000 });
    const result = await conduct(cleanStage, cleanTasks, { inputs, config, dir: join(dir, out), reader });
    const bytes = Buffer.concat(await Promise.all(result.parts.map(({ path }) => readFile(path))));
    const rejected = (await readFile(join(dir, out, "rejected/rejected.jsonl"), "utf8")).trim().split("\n");
    return { ...result, bytes, rejected: rejected.filter((line) => line !== "").map((line) => JSON.parse(line)) };
  }

  test("each document goes by the first rule it breaks, with the reason, and is no damage", async () => {
    const config = {
      ...OFF,
      minTokens: 6,
      maxRejectedFraction: 0,
      blockedUrls: { domains: await list("domains", ["blocked"]) },
      listedTitles: { file: await list("titles", ["Robert Boulter"]) },
      unicodeRepair: {},
      language: { keep: ["en"] },
    };
    const result = await run(config, "all");
    expect(result.rejected.map(({ id, reason }) => [id, reason])).toEqual([
      ["url", "blocked-url"],
      ["title", "listed-title"],
      ["german", "other-language"],
      ["short", "too-short"],
    ]);
    expect(result.counts).toMatchObject({ documents_kept: 1, changed_unicodeRepair: 1, "rejected_blocked-url": 1 });
    expect(Object.keys(result.counts).filter((name) => name.startsWith("micros_"))).toEqual(
      ["blockedUrls", "listedTitles", "unicodeRepair", "language"].map((name) => `micros_${name}`),
    );
    expect(JSON.parse(result.bytes.toString()).text).toBe("It doesn’t matter to the old man who walked to the river.");
  });

  test("what was rewritten is told with its place as it was read, whether it stays or not", async () => {
    const records = [
      { id: "both", text: "It doesnâ€™t\nend here today. It goes on. It never ends." },
      { id: "plain", text: "Nothing here is wrong in any way." },
      { id: "short", text: "too\nshort" },
    ];
    const config = { ...OFF, minTokens: 5, unicodeRepair: {}, storyNewlines: {} };
    const result = await run(config, "told", records);
    const outputs = [...result.results.values()].flat().flatMap(({ outputs }) => outputs);
    const told = outputs.filter(({ path }) => path.includes("/rewritten/"));
    const lines = (await Promise.all(told.map(({ path }) => readFile(path, "utf8")))).join("").trim().split("\n");
    const file = join(dir, "web.jsonl");
    const read = await readFile(file);
    const offsetOf = (id: string): number => read.indexOf(`{"id":"${id}"`);
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { file, offset: offsetOf("both"), id: "both", rules: ["unicodeRepair", "storyNewlines"] },
      { file, offset: offsetOf("short"), id: "short", rules: ["storyNewlines"] },
    ]);
    expect(result.counts).toMatchObject({ changed_unicodeRepair: 1, changed_storyNewlines: 2, documents_kept: 2 });
    expect(result.parts.some(({ path }) => path.includes("rewritten"))).toBe(false);
  });

  test("a rule for other sources changes nothing", async () => {
    const plain = await run(OFF, "plain");
    const other = await run(
      { ...OFF, unicodeRepair: { sources: ["news*"] }, language: { keep: ["en"], sources: ["x"] } },
      "other",
    );
    expect(other.bytes.equals(plain.bytes)).toBe(true);
    const mine = await run({ ...OFF, unicodeRepair: { sources: ["w*"] } }, "mine");
    expect(mine.bytes.equals(plain.bytes)).toBe(false);
  });

  test("what a rewriter makes is judged after it, in normal form", async () => {
    const records = [{ id: "a", text: "menu\ncafe\u0301 x doesnâ€™t end here. It ends. It ends. {".replace(" {", "") }];
    const result = await run(
      { ...OFF, c4Lines: { minWords: 3 }, unicodeRepair: {}, storyNewlines: {} },
      "order",
      records,
    );
    expect(JSON.parse(result.bytes.toString()).text).toBe("menu café x doesn’t end here. It ends. It ends.");
  });

  test("an address that is the id is judged; an id that the reader made is none", async () => {
    const records = [
      { url: "http://www.blocked.com/x", text: "a" },
      { text: "b" },
      { url: "nonsense, not an address", text: "c" },
    ];
    const blockedUrls = { domains: await list("domains", ["blocked"]) };
    const result = await run({ ...OFF, idField: "url", blockedUrls }, "ids", records);
    expect(result.rejected.map(({ detail }) => detail)).toEqual([
      "the domain blocked is listed",
      "a malformed address",
    ]);
    expect(result.counts.documents_kept).toBe(1);
  });

  test("a list that changes is read again by the same worker", async () => {
    const blockedUrls = { domains: await list("domains", ["nothing"]) };
    expect((await run({ ...OFF, blockedUrls }, "one")).rejected).toEqual([]);
    await list("domains", ["nothing", "blocked"]);
    expect((await run({ ...OFF, blockedUrls }, "two")).rejected).toHaveLength(1);
  });

  test("a list that is not UTF-8, or has no entry, is refused before any work", async () => {
    await writeFile(join(dir, "latin"), Buffer.from("caf\xe9\n", "latin1"));
    await writeFile(join(dir, "remarks"), "# nothing\n\n");
    for (const [name, said] of [
      ["latin", "expected UTF-8"],
      ["remarks", "expected at least one entry"],
    ] as const) {
      const file = join(dir, name);
      for (const rule of [{ badWords: { file } }, { listedTitles: { file } }, { blockedUrls: { urls: file } }])
        await expect(cleanStage.check!(cleanStage.schema.parse(rule))).rejects.toThrow(said);
    }
  });

  test("a list that is missing, an unknown language and another version of a rule are refused", async () => {
    for (const rule of ["listedTitles", "badWords"]) {
      const config = cleanStage.schema.parse({ [rule]: { file: join(dir, "none") } });
      await expect(cleanStage.check!(config)).rejects.toMatchObject({ code: "config-input" });
      expect(cleanStage.configFiles!(config)).toEqual([join(dir, "none")]);
    }
    const wikiText = cleanStage.schema.parse({
      listedTitles: { file: await list("wiki", [" = Du Fu = ", " A poet . "]) },
    });
    await expect(cleanStage.check!(wikiText)).rejects.toThrow('got "= Du Fu ="');
    for (const wrong of [
      { language: { keep: ["xx"] } },
      { language: {} },
      { c4Lines: { version: 1 } },
      { c4Lines: { x: 1 } },
      { gopherQuality: { minWords: 100, maxWords: 10 } },
      { gopherQuality: { maxWordLength: 2 } },
    ]) {
      expect(cleanStage.schema.safeParse(wrong).success).toBe(false);
    }
  });

  test("the bytes of each rule's outputs are those of its version", async () => {
    const rules = {
      blockedUrls: {},
      unicodeRepair: {},
      storyNewlines: {},
      c4Lines: { minSentences: 1 },
      language: { keep: ["en", "de"] },
    };
    const lists = {
      listedTitles: { file: await list("titles", ["x"]) },
      badWords: { file: await list("words", ["cat"]) },
      gopherQuality: { minWords: 5, maxWordLength: 6 },
    };
    const result = await run({ ...OFF, ...rules, ...lists, gopherRepetition: {} }, "golden");
    const config = cleanStage.schema.parse({ ...rules, ...lists, gopherRepetition: {} });
    const versions = Object.fromEntries(
      Object.entries(config).flatMap(([name, value]) =>
        typeof value === "object" && "version" in value ? [[name, value.version]] : [],
      ),
    );
    const reasons = result.rejected.map(({ reason, detail }) => `${reason}: ${detail}`).join("\n");
    const digest = digestBytes(Buffer.from(`${result.bytes}${reasons}`));
    // Another digest here means another version in the rule that made it.
    expect({ versions, digest }).toEqual({
      versions: {
        blockedUrls: 2,
        listedTitles: 1,
        unicodeRepair: 2,
        storyNewlines: 1,
        c4Lines: 2,
        badWords: 2,
        language: 1,
        gopherQuality: 1,
        gopherRepetition: 1,
      },
      digest: "xxh64:dcf08b00cca56902",
    });
  });
});
