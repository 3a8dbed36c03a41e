// src/native and native/addon declare the same functions: every name that a file of the addon exports stands in the typed
// file of the same name and the other way round, and the door puts all of them together.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { native } from "#src/native.js";
import { globSync } from "./glob.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const groups = globSync(join(root, "src/native"), [".ts"]).map((path) => basename(path, ".ts"));

/** Of a file of src/native: method names of the interface that Native is made of. */
function declaredFunctions(text: string, door: string): string[] {
  const parts = door.match(/export type Native = ([^;]+);/)![1]!.split("&");
  const names = parts.flatMap((part) => {
    const body = text.match(new RegExp(`export interface ${part.trim()} \\{([\\s\\S]*?)\\n\\}`))?.[1] ?? "";
    return [...body.matchAll(/^ {2}(\w+)\(/gm)].map((match) => match[1]!);
  });
  return names.sort();
}

/** Of a file of native/addon: names of the functions that it exports. */
function exportedFunctions(text: string): string[] {
  return [...text.matchAll(/exports\.Set\("(\w+)"/g)].map((match) => match[1]!).sort();
}

test.each(groups)("the typed file and the addon's name the same functions: %s", (group) => {
  const declared = declaredFunctions(read(`src/native/${group}.ts`), read("src/native.ts"));
  expect(declared.length).toBeGreaterThan(0);
  expect(exportedFunctions(read(`native/addon/${group.replaceAll("-", "_")}.cc`))).toEqual(declared);
});

test("the addon that is loaded has the functions of all files and no others", () => {
  expect(groups.length).toBeGreaterThan(5);
  const declared = groups.flatMap((group) => declaredFunctions(read(`src/native/${group}.ts`), read("src/native.ts")));
  expect(Object.keys(native()).sort()).toEqual(declared.sort());
});

test("a function missing from either side is seen", () => {
  const door = "export type Native = A & B;";
  const text = "export interface A {\n  one(x: number): void;\n}\nexport interface Other {\n  three(): void;\n}";
  expect(declaredFunctions(text, door)).toEqual(["one"]);
  const addon = 'exports.Set("one", f(env, one, "one"));\nexports.Set("two", f(env, two, "two"));';
  expect(exportedFunctions(addon)).toEqual(["one", "two"]);
  expect(exportedFunctions(addon)).not.toEqual(declaredFunctions(text, door));
});
