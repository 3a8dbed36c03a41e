// Finished dedups to audit: a corpus written to a folder, deduplicated in this process and committed as the conductor does, and
// copies of the result to damage.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll } from "vitest";
import { digestBytes } from "#src/base/digest.js";
import { dedupStage } from "#src/dedup/index.js";
import { dedupTasks } from "#src/dedup/tasks.js";
import { blockReader } from "#src/read/index.js";
import type { Json } from "#src/records/stage.js";
import { type StageFile, writeStageFile } from "#src/run/stage-file.js";
import { conduct, refsOf } from "../clean/conduct.js";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-audit-"));
  folders.push(folder);
  return folder;
}

export type Line = string | Readonly<Record<string, unknown>>;

/** Returns the folder of the finished stage; inputs lie beside it. Files are read in the order given. */
export async function finishedDedup(
  files: Readonly<Record<string, string | Buffer | readonly Line[]>>,
  config: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const dir = makeFolder();
  const paths = Object.entries(files).map(([name, content]) => {
    const bytes = Array.isArray(content)
      ? content.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("")
      : (content as string | Buffer);
    const path = join(dir, name);
    writeFileSync(path, name.endsWith(".gz") ? gzipSync(bytes) : bytes);
    return path;
  });
  const out = join(dir, "out");
  const inputs = await refsOf(paths);
  const schema = dedupStage.schema.parse(config);
  const { results, counts } = await conduct(dedupStage, dedupTasks, { inputs, config, dir: out, reader: blockReader });
  const written = [...results.values()].flat().flatMap(({ outputs }) => outputs);
  await rm(join(out, ".work"), { recursive: true });
  await writeStageFile(out, {
    stage: "dedup",
    version: dedupStage.version,
    key: "sha256:none",
    config: Object.fromEntries(
      Object.entries(schema).filter(([key]) => !(dedupStage.runtimeKeys ?? []).includes(key)),
    ) as Json,
    inputs: inputs.map((input) => ({ name: basename(input.path), ...input })),
    outputs: written
      .filter(({ path }) => !path.startsWith(join(out, ".work")))
      .map((output) => ({ ...output, path: relative(out, output.path) })),
    counts,
    seconds: 1,
    phases: [],
  });
  return out;
}

/**
 * A copy of a finished dedup with one file changed. stage.json is made to fit, so that the law that the change breaks has to
 * notice, not the digest.
 */
export function damaged(finished: string, file: string, change: (lines: string[]) => string[] | undefined): string {
  const dir = join(makeFolder(), "out");
  cpSync(finished, dir, { recursive: true });
  const path = join(dir, file);
  const before = readFileSync(path, "utf8").split("\n").slice(0, -1);
  const lines = change(before) ?? before;
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  writeFileSync(path, bytes);
  changeStageFile(dir, (stage) => ({
    ...stage,
    outputs: stage.outputs.map((output) =>
      output.path === file ? { path: file, sizeBytes: bytes.length, digest: digestBytes(bytes) } : output,
    ),
  }));
  return dir;
}

export function changeStageFile(dir: string, change: (stage: StageFile) => StageFile): void {
  const path = join(dir, "stage.json");
  const stage = JSON.parse(readFileSync(path, "utf8")) as StageFile;
  writeFileSync(path, JSON.stringify(change(stage)));
}

export function linesOf(dir: string, file: string): string[] {
  return readFileSync(join(dir, file), "utf8").split("\n").slice(0, -1);
}
