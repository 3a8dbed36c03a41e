// What the user's own command says of inputs that are not what was meant: names that match nothing, inputs without
// documents, paths to records that lead nowhere, folders that are refused.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { keepWarnings } from "#src/cli/dedup-findings.js";

const main = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "millrace-told-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function millrace(...args: string[]) {
  const env = { ...process.env, MILLRACE_DEBUG: "", NO_COLOR: "1" };
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8", env, cwd: dir });
}

for (const name of ["books", "news"]) writeFileSync(join(dir, `${name}.jsonl`), `{"text":"of ${name}"}\n`.repeat(3));

test("a rule whose sources match none there is says so once, with those there are; one that matches says nothing", () => {
  const rules = (sources: string): string => {
    const path = join(dir, "rules.yaml");
    writeFileSync(path, `clean:\n  minTokens: 0\n  storyNewlines: { sources: [${sources}] }\n  unicodeRepair: {}\n`);
    return path;
  };
  const clean = (sources: string): string =>
    millrace("clean", "books.jsonl", "news.jsonl", "--out", "out", "--workers", "1", "--rules", rules(sources)).stderr;
  const idle =
    /warning: storyNewlines was for no document: its sources \(bokcorpus\*\) match none of those there are: books, news\n/g;
  expect(clean("bokcorpus*").match(idle)).toHaveLength(1);
  expect(clean("boo*")).not.toContain("warning");
});

test("names that keep prefers and no document has are told of, where all sources are known", () => {
  const row = { read: 1, rejected: 0, exact_copies: 0, near_duplicates: 0, kept: 1 };
  const list = ["books", "news"].map((source) => ({ source, ...row }));
  const warn = (keep: string, sources = 2): string[] => keepWarnings(keep, { sources: { sources, list } });
  expect(warn("source:news,bokcorpus")).toEqual([
    "warning: no document has the source bokcorpus of keep; there are: books, news",
  ]);
  expect(warn("source:news,books")).toEqual([]);
  expect(warn("source:bokcorpus", 3)).toEqual([]);
  expect(warn("longest")).toEqual([]);
});

test("inputs without documents are told of, and such with documents that are all dropped otherwise", () => {
  writeFileSync(join(dir, "blank.jsonl"), "\n \n");
  writeFileSync(join(dir, "nothing.csv"), "");
  const clean = (...args: string[]) => millrace("clean", ...args, "--workers", "1");
  const none = clean("blank.jsonl", "nothing.csv", "--out", "none");
  expect(none.status).toBe(0);
  expect(none.stderr).toContain("warning: the inputs hold no documents");
  const dropped = clean("books.jsonl", "--out", "dropped").stderr;
  expect(dropped).toContain("warning: no document was kept");
  expect(dropped).not.toContain("the inputs hold no documents");
});

test("values without the records that are asked for are rejected one by one, in order, in one block of the usual size", () => {
  const values = Array.from({ length: 3000 }, (_, i) => JSON.stringify(i === 1500 ? { data: [{ text: "x" }] } : { i }));
  const content = values.join("\n");
  writeFileSync(join(dir, "values.json"), content);
  const options = ["--records-field", "data", "--min-tokens", "0", "--max-rejected", "1", "--workers", "1"];
  expect(millrace("clean", "values.json", "--out", "barren", ...options).status).toBe(0);
  const stage = JSON.parse(readFileSync(join(dir, "barren/stage.json"), "utf8")) as {
    counts: Record<string, number>;
    phases: { name: string; tasks: number }[];
  };
  expect(stage.counts).toMatchObject({ bytes_read: content.length, "rejected_missing-records": 2999 });
  expect(stage.phases.find(({ name }) => name === "blocks")?.tasks).toBe(1);
  const rejected = readFileSync(join(dir, "barren/rejected/rejected.jsonl"), "utf8").trimEnd().split("\n");
  const places = rejected.map((line) => JSON.parse(line) as { offset: number; line: number });
  expect(places.map(({ line }) => line)).toEqual(values.flatMap((_, i) => (i === 1500 ? [] : [i + 1])));
  for (const { offset, line } of places) expect(content.startsWith(values[line - 1]!, offset)).toBe(true);
  const bad = millrace("clean", "values.json", "--out", "barren-2", ...options, "--max-rejected", "0.5");
  expect(bad.stderr).toContain("2999 missing-records");
});

test("a folder that is refused is left as it was, and none is left where none was", () => {
  mkdirSync(join(dir, "foreign"));
  writeFileSync(join(dir, "foreign/mine.txt"), "mine");
  const refused = millrace("clean", "books.jsonl", "--out", "foreign");
  expect(refused.stderr).toContain("expected an empty folder or one of an earlier run");
  expect(readdirSync(join(dir, "foreign"))).toEqual(["mine.txt"]);
  mkdirSync(join(dir, "no-corpus"));
  expect(millrace("clean", "no-corpus", "--out", "new/deep").status).toBe(2);
  expect(readdirSync(dir)).not.toContain("new");
});
