// docs/errors.md names every error code of the sources, and no other.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { globSync } from "./glob.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

function codesIn(sources: readonly string[]): Set<string> {
  const thrown = /(?:invalid|new MillraceError)\(\s*"([a-z0-9-]+)"/g;
  const named = /(?:code|CODE)\w*(?::| =) "([a-z]+-[a-z0-9-]+)"/g;
  return new Set(
    sources.flatMap((text) => [...text.matchAll(thrown), ...text.matchAll(named)].map((match) => match[1]!)),
  );
}

const page = readFileSync(join(root, "docs/errors.md"), "utf8");
const documented = new Set(
  page
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) => [...line.split("|")[1]!.matchAll(/`([a-z0-9-]+)`/g)].map((match) => match[1]!)),
);

test("every code that the sources throw is documented", () => {
  const codes = codesIn(globSync(join(root, "src"), [".ts"]).map((path) => readFileSync(path, "utf8")));
  expect(codes.size).toBeGreaterThan(30);
  expect([...codes].filter((code) => !documented.has(code))).toEqual([]);
});

test("no documented code is gone from the sources", () => {
  const text = [...globSync(join(root, "src"), [".ts"]), ...globSync(join(root, "native/addon"), [".cc"])]
    .map((path) => readFileSync(path, "utf8"))
    .join("\n");
  expect([...documented].filter((code) => !text.includes(`"${code}"`) && !text.includes(`\`${code}\``))).toEqual([]);
});

test("an undocumented code is seen", () => {
  expect([...codesIn(['throw invalid(\n  "no-such-code", "x")'])]).toEqual(["no-such-code"]);
  expect(documented.has("no-such-code")).toBe(false);
});
