// Files of this machine that are moved, replaced or locked away while a run reads them.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { digestFile } from "#src/base/digest.js";
import { localFault, openStored } from "#src/base/storage/index.js";
import { DEFAULT_READ_OPTIONS } from "#src/formats/corpus.js";
import { createBlockReader } from "#src/read/index.js";

const dir = mkdtempSync(join(tmpdir(), "local-file-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const LIMITS = { blockBytes: 64, maxRecordBytes: 1024 };
const LINES = Array.from({ length: 20 }, (_, i) => `{"text":"document ${i}"}\n`).join("");
/** What any run would say of a file that is as it was. */
const SOUND = "none";

/** The error of reading the blocks that were planned before `change`, or of fetching records of the first. */
async function codeAfter(name: string, change: (path: string) => void, by: "read" | "records"): Promise<unknown> {
  const path = join(dir, name);
  writeFileSync(path, LINES);
  const reader = createBlockReader(LIMITS);
  const blocks = [];
  const inputs = [{ path, ...(await digestFile(path)) }];
  for await (const { ref } of reader.plan(inputs, DEFAULT_READ_OPTIONS, () => true)) blocks.push(ref);
  change(path);
  try {
    for (const ref of blocks) {
      if (by === "read") await reader.read(ref, DEFAULT_READ_OPTIONS);
      else for await (const _ of reader.records(ref, Float64Array.of(ref.start), Uint32Array.of(8)));
    }
  } catch (error) {
    const { code, where, hint } = error as { code: string; where?: { file: string }; hint?: string };
    expect(where?.file).toBe(path);
    expect(hint).toContain("run again");
    return code;
  }
  return SOUND;
}

describe.each(["read", "records"] as const)("a file whose blocks are to be given by `%s`", (by) => {
  test.each([
    ["gone", (path: string) => rmSync(path), "input-changed"],
    [
      "a folder by now",
      (path: string) => {
        rmSync(path);
        mkdirSync(path);
      },
      "input-changed",
    ],
    [
      "a link that leads nowhere by now",
      (path: string) => {
        rmSync(path);
        symlinkSync("nowhere", path);
      },
      "input-changed",
    ],
    [
      "a link to itself by now",
      (path: string) => {
        rmSync(path);
        symlinkSync(path, path);
      },
      "input-changed",
    ],
    [
      "a pipe by now",
      (path: string) => {
        rmSync(path);
        execFileSync("mkfifo", [path]);
      },
      "input-changed",
    ],
    ["shorter by now", (path: string) => writeFileSync(path, "{}"), "input-changed"],
    ["as it was", () => undefined, SOUND],
  ])("is told by its name when it is %s", async (name, change, code) => {
    expect(await codeAfter(`${by} ${name}.jsonl`, change, by)).toBe(code);
  });
});

test("a file that may not be read says what to do", async () => {
  const path = join(dir, "locked.jsonl");
  writeFileSync(path, LINES);
  chmodSync(path, 0o000);
  const refused = { code: "input-unreadable", where: { file: path }, hint: expect.stringContaining("right to read") };
  // Who may do anything is never refused.
  if (process.getuid?.() !== 0) await expect(openStored(path)).rejects.toMatchObject(refused);
  expect(localFault(path, Object.assign(new Error("permission denied"), { code: "EACCES" }))).toMatchObject(refused);
  expect(localFault(path, Object.assign(new Error("i/o error"), { code: "EIO" }))).toMatchObject({
    code: "input-unreadable",
    message: expect.stringContaining("EIO"),
  });
});
