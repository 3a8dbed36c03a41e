// The published package, as a user gets it: `npm pack`, install the tarball in an empty folder (its install script builds
// the addon), compile a strict TypeScript program against the public API and run it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const minutes = 60_000;
let folder: string;

const program = `
import { loadTokenizer, MillraceError, models, native, ShardDataset, unigramEntropy } from "millrace";
import type { Stage } from "millrace";

const tokenizer = await loadTokenizer("gpt2");
const text = "A millrace carries the stream to the wheel.";
const ids = tokenizer.encode(text);
if (tokenizer.decode(ids) !== text) throw new Error("decode(encode(x)) is not x");
const name: Stage["name"] = "custom";
const functions: unknown[] = [ShardDataset, unigramEntropy, native];
if (functions.some((f) => typeof f !== "function")) throw new Error("missing function");
let code = "";
try {
  await loadTokenizer("no-such-tokenizer");
} catch (error) {
  if (error instanceof MillraceError) code = error.code;
}
console.log(JSON.stringify({ numIds: ids.length, name, code, tiny: models.tiny !== undefined }));
`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-package-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test(
  "the tarball installs in an empty folder and its typed API works",
  () => {
    const run = (command: string, args: string[], cwd = folder) =>
      execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    const [packed] = JSON.parse(run("npm", ["pack", "--json", "--silent", "--pack-destination", folder], root)) as {
      filename: string;
      files: { path: string }[];
    }[];
    const paths = packed!.files.map((file) => file.path);
    expect(paths).toContain("dist/index.d.ts");
    expect(paths.filter((path) => path.startsWith("test/") || path.includes("node_modules"))).toEqual([]);

    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
    run("npm", [
      "install",
      "--prefer-offline",
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
      join(folder, packed!.filename),
    ]);
    writeFileSync(join(folder, "main.ts"), program);
    const typescript = createRequire(import.meta.url).resolve("typescript/bin/tsc");
    const types = join(root, "node_modules/@types");
    const options = [
      "--module",
      "nodenext",
      "--target",
      "es2022",
      "--strict",
      "--exactOptionalPropertyTypes",
      "--skipLibCheck",
      "--typeRoots",
      types,
      "--types",
      "node",
    ];
    run(process.execPath, [typescript, ...options, "main.ts"]);
    const output = JSON.parse(run(process.execPath, ["main.js"])) as { numIds: number; code: string; tiny: boolean };
    expect(output.numIds).toBeGreaterThan(5);
    expect(output.code).not.toBe("");
    expect(output.tiny).toBe(true);

    const version = (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
    expect(run(join(folder, "node_modules/.bin/millrace"), ["--version"]).trim()).toBe(version);
  },
  20 * minutes,
);
