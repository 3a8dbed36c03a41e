// `millrace inspect` on a file of a corpus, and the refusal that names it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Table, tableToIPC, vectorFromArray } from "apache-arrow";
import { afterAll, expect, test } from "vitest";

const main = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "millrace-inspect-corpus-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function millrace(...args: string[]) {
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8", cwd: dir });
}

test("a nested file is shown with the command that reads it, and the command does", () => {
  const articles = Array.from({ length: 3 }, (_, i) => ({ body: `text number ${i} `.repeat(40), when: i }));
  writeFileSync(join(dir, "it's nested.json"), JSON.stringify({ data: { articles } }));
  const { status, stdout } = millrace("inspect", "it's nested.json", "--json");
  expect(status).toBe(0);
  const shown = JSON.parse(stdout);
  expect(shown).toMatchObject({
    kind: "corpus file",
    format: "json",
    read: "all of it",
    records: [{ at: "data.articles", count: 3 }, { count: 1 }],
  });
  expect(shown.records[0].fields.body).toMatch(
    /^string, in 3 of 3, 560 characters on average, such as "text number 0 text/,
  );
  expect(shown.command).toBe(
    `millrace clean 'it'\\''s nested.json' --records-field data.articles --text-field body --out DIR`,
  );
  const words = ["it's nested.json", "--records-field", "data.articles", "--text-field", "body", "--out", "out"];
  const run = millrace("clean", ...words);
  expect(run.stdout).toMatch(/documents read +3$/m);
});

test("tables are shown with their columns, whatever encoding a CSV file is in", () => {
  writeFileSync(join(dir, "table.csv"), Buffer.from('\ufeffid,"the, text"\r\n1,a\r\n', "utf16le"));
  const { stdout } = millrace("inspect", "table.csv", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ format: "csv", columns: ["id", "the, text"] });
  const table = new Table({ id: vectorFromArray(["1"]), body: vectorFromArray(["a"]) });
  writeFileSync(join(dir, "table.arrow"), tableToIPC(table, "file"));
  const shown = JSON.parse(millrace("inspect", "table.arrow", "--json").stdout);
  expect(shown).toMatchObject({ format: "arrow", columns: ["id", "body"] });
  writeFileSync(join(dir, "empty.arrow"), "");
  expect(millrace("inspect", "empty.arrow").stderr).toContain("not even a schema");
});

test("a corpus whose texts are under another name is refused with the way to find it", () => {
  writeFileSync(join(dir, "other.jsonl"), '{"body":"a"}\n{"body":"b"}\n');
  const { status, stderr } = millrace("clean", "other.jsonl", "--out", "refused");
  expect(status).not.toBe(0);
  expect(stderr).toContain("`millrace inspect FILE` shows where a file has its records and texts");
  writeFileSync(join(dir, "broken.jsonl"), '{"text":"a"\n{"text":"b"\n');
  expect(millrace("clean", "broken.jsonl", "--out", "broken").stderr).toContain("raise maxRejectedFraction");
});
