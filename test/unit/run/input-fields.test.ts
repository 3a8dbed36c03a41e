// What a recipe says of one input alone: read so by clean and shard, part of the key, refused where nobody could read it so.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fromOverrides, parseSet, readYaml } from "#src/run/config-source.js";
import { resolvePlan } from "#src/run/recipe.js";
import { registry } from "#src/run/registry.js";
import { readStageFile } from "#src/run/stage-file.js";
import { startCommand } from "../../e2e/command.js";

const cli = new URL("../../../dist/cli/main.js", import.meta.url).pathname;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "fields-"));
  const lines = (records: readonly object[]): string => records.map((record) => `${JSON.stringify(record)}\n`).join("");
  const nested = [0, 1].map((i) => ({ body: { en: `nested ${i}` }, key: i, source: "its own", rest: true }));
  await writeFile(join(dir, "nested.jsonl"), lines(nested));
  await writeFile(join(dir, "plain.jsonl"), lines([{ id: "p", text: "plain", source: "its own" }]));
  await writeFile(join(dir, "items.json"), JSON.stringify({ data: { items: [{ content: "item", from: "press" }] } }));
  await writeFile(join(dir, "whole.txt"), "a whole text");
  await writeFile(join(dir, "rows.csv"), "name,body\nr,a row\n");
  await writeFile(
    join(dir, "recipe.yaml"),
    `inputs:
  - { path: nested.jsonl, textField: body.en, idField: key, source: books }
  - { path: plain.jsonl }
  - { path: items.json, recordsField: data.items, textField: content, sourceField: from }
  - { path: whole.txt, source: texts }
  - { path: rows.csv, textField: body, idField: name, source: sheets }
clean: { minTokens: 0 }
`,
  );
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const millrace = (...args: string[]): Promise<number | null> => startCommand(cli, args, dir).exit;
const set = (...values: string[]): string[] => values.flatMap((value) => ["--set", value]);

async function cleaned(out: string): Promise<Record<string, unknown>[]> {
  const names = (await readdir(join(dir, out, "clean"))).filter((name) => name.startsWith("part-")).sort();
  const parts = await Promise.all(names.map((name) => readFile(join(dir, out, "clean", name), "utf8")));
  return parts.flatMap((part) => part.trimEnd().split("\n")).map((line) => JSON.parse(line));
}

test("each input is read with its own names, and without any with the stage's", async () => {
  await millrace("run", "recipe.yaml", ...set("out=one"));
  expect(await cleaned("one")).toEqual([
    { id: "0", text: "nested 0", source: "books", body: {}, rest: true },
    { id: "1", text: "nested 1", source: "books", body: {}, rest: true },
    { id: "p", text: "plain", source: "its own" },
    { id: "items#18", text: "item", source: "press" },
    { id: "whole#0", text: "a whole text", source: "texts" },
    { id: "r", text: "a row", source: "sheets" },
  ]);
});

test("the key tells what was said of an input: other words are another result, the plan gives the same", async () => {
  await millrace("run", "recipe.yaml", ...set("out=keys", "inputs=[{path: whole.txt, source: one}]"));
  const key = async (): Promise<string> => (await readStageFile(join(dir, "keys/clean")))!.key;
  const first = await key();
  await millrace("run", join(dir, "keys/plan.yaml"));
  expect(await key()).toBe(first);
  await millrace("run", "recipe.yaml", ...set("out=keys", "inputs=[{path: whole.txt, source: two}]"));
  expect(await key()).not.toBe(first);
  expect(await cleaned("keys")).toMatchObject([{ source: "two" }]);
});

test("an encoding is part of the key by its one name, and what a mark says is told", async () => {
  await writeFile(join(dir, "latin.txt"), Buffer.from("na\u00efve \u0097", "latin1"));
  await writeFile(join(dir, "marked.txt"), Buffer.from("\ufeffmarked \u00e9", "utf16le"));
  const run = (label: string): Promise<number | null> =>
    millrace(
      ...["run", "recipe.yaml"],
      ...set("out=encoded", `inputs=[{path: latin.txt, encoding: ${label}}, {path: marked.txt}]`),
    );
  const stage = async () => (await readStageFile(join(dir, "encoded/clean")))!;
  await run("latin1");
  const first = await stage();
  expect(await cleaned("encoded")).toMatchObject([{ text: "na\u00efve \u2014" }, { text: "marked \u00e9" }]);
  expect(first.notes).toEqual([`${join(dir, "marked.txt")} is utf-16le by its byte order mark, and is read as that`]);
  await run("Windows-1252");
  expect(await stage()).toEqual(first);
  await run("windows-1251");
  expect((await stage()).key).not.toBe(first.key);
  expect(await cleaned("encoded")).toMatchObject([{ text: "na\u043fve \u2014" }, { text: "marked \u00e9" }]);
});

test.each([
  ["inputs.0.recordsField=a", /expected no recordsField for inputs\.0, got "a"/],
  ["inputs=[{path: plain.jsonl}]", /expected no recordsField for clean, got "data": it reads no \.json file/],
  ["inputs=[{path: '*.jsonl'}, {path: .}]", /expected no recordsField for clean/],
])("%s beside a path to records is refused: nothing would be done with it", async (change, message) => {
  const text = await readFile(join(dir, "recipe.yaml"), "utf8");
  const overrides = [change.replaceAll(/path: ('?)/g, `path: $1${dir}/`), "clean.recordsField=data"].map(parseSet);
  const plan = resolvePlan(readYaml(text.replaceAll("path: ", `path: ${dir}/`), "r.yaml", overrides), "f", registry);
  await expect(plan).rejects.toThrow(message);
});

test("a path to records stands where any input may be JSON", async () => {
  for (const path of ["items.json", "*", "{items,x}.json"]) {
    const inputs = [{ path: join(dir, "plain.jsonl") }, { path: join(dir, path) }];
    const source = fromOverrides({ inputs, clean: { recordsField: "data.items" } }, []);
    expect((await resolvePlan(source, "f", registry)).stages).toHaveLength(1);
  }
});

test.each([
  ["inputs.0.textfield=x", /expected one of the keys path, dataset, textField, .* for inputs\.0, got "textfield"/],
  ["inputs.0.textField=a..b", /expected a name, or names joined by single dots for inputs\.0\.textField/],
  ["inputs.0.encoding=latin17", /expected the name of an encoding, such as .* for inputs\.0\.encoding, got "latin17"/],
  ["inputs.0.sourceField=x", /expected nothing beside source/],
  ["inputs.0.idField=body", /expected a field apart from idField \("body"\) for inputs\.0\.textField/],
  ["inputs.1={dataset: gutenberg, idField: x}", /expected nothing beside a dataset/],
  ["clean=false", /expected no textField for inputs\.0, got "body\.en": dedup copies lines as they stand/],
])("%s is refused in one sentence before any work", async (change, message) => {
  const text = (await readFile(join(dir, "recipe.yaml"), "utf8")).replaceAll("path: ", `path: ${dir}/`);
  const source = readYaml(text, "recipe.yaml", ["dedup={}", change].map(parseSet));
  await expect(resolvePlan(source, "fields", registry)).rejects.toThrow(message);
});
