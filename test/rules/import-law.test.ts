// The import law of ARCHITECTURE.md: downward only, never sideways among stages; one third-party library enters through
// one file. Each law is also seen to fail on a made-up file.
import { readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { globSync } from "./glob.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface SourceFile {
  readonly path: string;
  readonly text: string;
}

function filesUnder(folder: string, endings: readonly string[]): SourceFile[] {
  return globSync(join(root, folder), endings).map((path) => ({
    path: relative(root, path),
    text: readFileSync(path, "utf8"),
  }));
}

const layers = [
  ["base"],
  ["records"],
  ["formats"],
  // What the door is made of, and the door.
  ["native"],
  ["native.ts"],
  ["text", "tokenizers", "models"],
  ["read", "clean", "dedup", "shard", "load", "train", "evaluate"],
  ["run"],
  ["report", "audit"],
  ["cli", "index.ts"],
];
const layerOf = new Map(layers.flatMap((names, index) => names.map((name) => [name, index] as const)));

/** Specifiers of static imports, re-exports and dynamic imports. */
function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  return [...code.matchAll(/(?:\bfrom\s*|\bimport\s*\(\s*|^\s*import\s+)["']([^"']+)["']/gm)].map((match) => match[1]!);
}

function typescriptViolations(files: readonly SourceFile[]): string[] {
  const violations: string[] = [];
  for (const { path, text } of files) {
    const folder = path.split("/")[1]!;
    const layer = layerOf.get(folder);
    if (layer === undefined) {
      violations.push(`${path}: ${folder} has no place in the import law`);
      continue;
    }
    for (const specifier of importsOf(text)) {
      if (!specifier.startsWith(".")) continue;
      const target = normalize(join(dirname(path), specifier))
        .split("/")[1]!
        .replace(/\.js$/, ".ts");
      const targetLayer = layerOf.get(target);
      if (target === folder || targetLayer === undefined) continue;
      if (targetLayer >= layer) violations.push(`${path} imports ${specifier}: ${folder} may not see ${target}`);
    }
  }
  return violations;
}

const nativeMaySee: Record<string, readonly string[]> = {
  include: ["include"],
  core: ["core", "include"],
  reference: ["reference", "core", "include"],
  cpu: ["cpu", "core", "include"],
  cuda: ["cuda", "core", "include"],
  // The way to a GPU, none of its ops.
  comm: ["comm", "core", "include", "cuda/runtime.h", "cuda/launch.h", "cuda/numbers.h", "cuda/libraries.h"],
  text: ["text", "core", "include"],
  model: ["model", "core", "comm/communicator.h", "include"],
  train: ["train", "model", "core", "comm/communicator.h", "include"],
  api: ["api", "train", "model", "text", "comm", "core", "include"],
  addon: ["addon", "include"],
  bench: ["bench", "include", "text"],
};

function nativeViolations(files: readonly SourceFile[]): string[] {
  const violations: string[] = [];
  for (const { path, text } of files) {
    const folder = path.split("/")[1]!;
    const allowed = nativeMaySee[folder];
    if (allowed === undefined) {
      violations.push(`${path}: ${folder} has no place in the import law`);
      continue;
    }
    for (const [, include] of text.matchAll(/^\s*#include\s+"([^"]+)"/gm)) {
      const target = include!.startsWith("millrace/") ? "include" : include!;
      if (!allowed.some((name) => target === name || target.startsWith(`${name}/`))) {
        violations.push(`${path} includes "${include}": ${folder} may not see it`);
      }
    }
  }
  return violations;
}

// Libraries whose API shapes a file: one door each. zod is the language of configuration and comes through base/schema.ts.
function librariesWithTwoDoors(files: readonly SourceFile[]): string[] {
  const doors = new Map<string, Set<string>>();
  for (const { path, text } of files) {
    for (const specifier of importsOf(text)) {
      if (specifier.startsWith(".") || specifier.startsWith("node:") || specifier.startsWith("#")) continue;
      const library = specifier
        .split("/")
        .slice(0, specifier.startsWith("@") ? 2 : 1)
        .join("/");
      doors.set(library, (doors.get(library) ?? new Set()).add(path));
    }
  }
  return [...doors]
    .filter(([, paths]) => paths.size > 1)
    .map(([library, paths]) => `${library}: ${[...paths].sort().join(", ")}`);
}

/** Modules below src that one reaches at run time, by static and dynamic imports; `import type` vanishes in the build. */
function reachedFrom(start: string, files: readonly SourceFile[]): Set<string> {
  const textOf = new Map(files.map(({ path, text }) => [path, text]));
  const reached = new Set<string>();
  const queue = [start];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    const text = (textOf.get(path) ?? "").replace(/\b(?:import|export) type\b[^;]*;/g, "");
    for (const specifier of importsOf(text)) {
      if (specifier.startsWith(".")) queue.push(normalize(join(dirname(path), specifier)).replace(/\.js$/, ".ts"));
    }
  }
  return reached;
}

const isOfTheStage = (path: string): boolean => /^src\/(native\.ts|native\/|dedup\/|read\/)/.test(path);

describe("the audit of dedup", () => {
  const typescript = filesUnder("src", [".ts"]);

  test("reaches neither the addon nor the stage's code nor its reader", () => {
    const reached = [...reachedFrom("src/audit/verify.ts", typescript)];
    expect(reached.length).toBeGreaterThan(15);
    expect(reached.filter(isOfTheStage)).toEqual([]);
  });

  test("would be seen if it did, through another module too", () => {
    const files = [
      { path: "src/audit/verify.ts", text: 'import type { A } from "../native.js";\nimport { b } from "./b.js";\n' },
      { path: "src/audit/b.ts", text: 'import { c } from "../dedup/c.js";\n' },
    ];
    expect([...reachedFrom("src/audit/verify.ts", files)].filter(isOfTheStage)).toEqual(["src/dedup/c.ts"]);
  });
});

describe("what a worker loads", () => {
  const SCHEMAS = "src/base/schema.ts";
  const typescript = filesUnder("src", [".ts"]);

  test.each(["clean", "dedup"])("the tasks of %s load without schemas, which a worker would wait for", (stage) => {
    const reached = reachedFrom(`src/${stage}/tasks.ts`, typescript);
    expect(reached.size).toBeGreaterThan(10);
    expect([...reached]).not.toContain(SCHEMAS);
  });

  test("schemas would be seen if they came along", () => {
    expect([...reachedFrom("src/dedup/index.ts", typescript)]).toContain(SCHEMAS);
  });
});

describe("import law", () => {
  const typescript = filesUnder("src", [".ts"]);
  const native = filesUnder("native", [".h", ".cc", ".cu", ".cuh"]);

  test("there is something to check", () => {
    expect(typescript.length).toBeGreaterThan(20);
    expect(native.length).toBeGreaterThan(40);
  });

  test("TypeScript imports go downward and never sideways among stages", () => {
    expect(typescriptViolations(typescript)).toEqual([]);
  });

  test("native includes follow the law", () => {
    expect(nativeViolations(native)).toEqual([]);
  });

  test("a third-party library enters through one file", () => {
    expect(librariesWithTwoDoors(typescript)).toEqual([]);
  });

  test("broken laws are seen", () => {
    const upward = { path: "src/base/errors.ts", text: 'import { run } from "../run/conductor.js";\n' };
    const sideways = { path: "src/clean/clean.ts", text: 'export { x } from "../dedup/index.js";\n' };
    const dynamic = { path: "src/records/batch.ts", text: 'const m = await import("../formats/shard.js");\n' };
    const homeless = { path: "src/utils/strings.ts", text: "" };
    expect(typescriptViolations([upward, sideways, dynamic, homeless])).toHaveLength(4);
    const model = {
      path: "native/model/gpt2.cc",
      text: '#include "comm/thread_comm.h"\n#include "comm/communicator.h"\n',
    };
    const addon = { path: "native/addon/x.cc", text: '#include "train/step.h"\n' };
    expect(nativeViolations([model, addon])).toHaveLength(2);
    const two = [
      { path: "src/a.ts", text: 'import x from "yaml";' },
      { path: "src/b.ts", text: 'import { y } from "yaml/util";' },
    ];
    expect(librariesWithTwoDoors(two)).toHaveLength(1);
  });
});
