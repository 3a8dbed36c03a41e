// The files of JSONTestSuite as corpus files, and the UTF-8 torture file: what is JSON is read, what is none is rejected with
// its reason, and nothing is lost silently. Without the files the tests are skipped by name.

import { isUtf8 } from "node:buffer";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readJson } from "./read-json.js";

const data = fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const suite = join(data, "json-test-suite/test_parsing");
const torture = join(data, "utf8/UTF-8-test.txt");

const NOT_JSON = ["invalid-json", "invalid-utf8"];

/** No single value, but a sequence of them, which a corpus file may be. */
const SEQUENCES = ["n_structure_double_array.json", "n_structure_object_with_trailing_garbage.json"];

/** Of the files that a parser may treat as it likes, those that are not UTF-8. */
const REFUSED = [
  "i_string_UTF-8_invalid_sequence.json",
  "i_string_UTF8_surrogate_U+D800.json",
  "i_string_invalid_utf-8.json",
  "i_string_iso_latin_1.json",
  "i_string_lone_utf8_continuation_byte.json",
  "i_string_not_in_unicode_range.json",
  "i_string_overlong_sequence_2_bytes.json",
  "i_string_overlong_sequence_6_bytes.json",
  "i_string_overlong_sequence_6_bytes_null.json",
  "i_string_truncated-utf-8.json",
  "i_string_utf16BE_no_BOM.json",
  "i_string_utf16LE_no_BOM.json",
];

const accepts = async (content: Uint8Array, name: string): Promise<boolean> => {
  const { rejected, error } = await readJson(content, { name });
  return error === undefined && rejected.every(({ reason }) => !NOT_JSON.includes(reason));
};

test.skipIf(!existsSync(suite))(`JSONTestSuite is classified rightly (expected at ${suite})`, async () => {
  const names = readdirSync(suite).sort();
  expect(names.length).toBeGreaterThan(300);
  const wrong: string[] = [];
  const refused: string[] = [];
  for (const name of names) {
    const accepted = await accepts(readFileSync(join(suite, name)), "in.json");
    if (name.startsWith("i_") && !accepted) refused.push(name);
    if (name.startsWith("y_") && !accepted) wrong.push(name);
    if (name.startsWith("n_") && accepted) wrong.push(name);
  }
  expect(wrong).toEqual(SEQUENCES);
  expect(refused).toEqual(REFUSED);
});

test.skipIf(!existsSync(suite))("JSONTestSuite's files of one line are classified rightly as JSON lines", async () => {
  const wrong: string[] = [];
  for (const name of readdirSync(suite).sort()) {
    const content = readFileSync(join(suite, name));
    // A line end would make two records of it, and a file of white space (or of a byte order mark) holds none.
    const text = content.toString("utf8");
    if (name.startsWith("i_") || /[\r\n]/.test(text) || text.trim() === "") continue;
    if ((await accepts(content, "in.jsonl")) !== name.startsWith("y_")) wrong.push(name);
  }
  expect(wrong).toEqual([]);
});

test.skipIf(!existsSync(torture))(`no line of the UTF-8 torture file is lost (expected at ${torture})`, async () => {
  const bytes = readFileSync(torture);
  const lines: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0x0a, at);
    lines.push(bytes.subarray(at, end < 0 ? bytes.length : end));
    at = end < 0 ? bytes.length : end + 1;
  }
  // JSON has to escape little of what the file holds; what is not UTF-8 stays as it is.
  const escaped = (line: Buffer): Buffer =>
    Buffer.from(
      line
        .toString("latin1")
        .replace(/["\\]/g, "\\$&")
        .replace(/\p{Cc}/gu, (unit) => (unit < " " ? "" : unit)),
      "latin1",
    );
  const records = lines.map((line) => Buffer.concat([Buffer.from('{"text":"'), escaped(line), Buffer.from('"}')]));
  const bad = lines.filter((line) => !isUtf8(line)).length;
  expect(bad).toBeGreaterThan(50);
  const joined = (between: string): Buffer =>
    Buffer.concat(records.flatMap((record) => [record, Buffer.from(between)]));
  for (const [content, name] of [
    [joined("\n"), "in.jsonl"],
    [joined("\n"), "in.json"],
    [joined(""), "in.json"],
  ] as const) {
    const { documents, rejected } = await readJson(content, { name });
    expect(rejected.map(({ reason }) => reason)).toEqual(Array(bad).fill("invalid-utf8"));
    expect(documents).toHaveLength(lines.length - bad);
  }
});
