import { expect, test } from "vitest";
import { formatWhere } from "#src/base/errors.js";

test.each([
  [{ file: "a.yaml", line: 3, column: 2 }, "a.yaml:3:2"],
  [{ file: "a.jsonl", offset: 12, record: "d1" }, "a.jsonl (byte 12, record d1)"],
  [{ record: "task 7" }, "record task 7"],
  [{}, ""],
])("a place is said with the parts that are known: %j", (where, text) => {
  expect(formatWhere(where)).toBe(text);
});
