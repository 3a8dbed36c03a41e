// src/native.ts and native/addon declare the same functions: every name the addon exports stands in the typed door and
// the other way round.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { native } from "#src/native.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Method names of the interfaces that Native is made of. */
function declaredFunctions(text: string): string[] {
  const parts = text
    .match(/export type Native = ([^;]+);/)![1]!
    .split("&")
    .map((name) => name.trim());
  return parts
    .flatMap((name) => {
      const body = text.match(new RegExp(`export interface ${name} \\{([\\s\\S]*?)\\n\\}`))![1]!;
      return [...body.matchAll(/^ {2}(\w+)\(/gm)].map((match) => match[1]!);
    })
    .sort();
}

test("the typed door and the addon name the same functions", () => {
  const declared = declaredFunctions(readFileSync(join(root, "src/native.ts"), "utf8"));
  expect(declared.length).toBeGreaterThan(10);
  expect(Object.keys(native()).sort()).toEqual(declared);
});

test("a function missing from the door is seen", () => {
  const text = "export interface A {\n  one(x: number): void;\n}\nexport type Native = A;";
  expect(declaredFunctions(text)).toEqual(["one"]);
  expect(declaredFunctions(text)).not.toEqual(["one", "two"]);
});
