// Folders with the files that a tokenizer is loaded from, gone when the tests of the file are.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** Contents by name: text as it is, all else as JSON. */
export type TokenizerFiles = Readonly<Record<string, unknown>>;

/** Makes a folder of files and returns its path. */
export function tokenizerFolders(): (files: TokenizerFiles) => string {
  const dir = mkdtempSync(join(tmpdir(), "millrace-tokenizer-"));
  afterAll(() => rmSync(dir, { recursive: true }));
  let numFolders = 0;
  return (files) => {
    numFolders += 1;
    const folder = join(dir, String(numFolders));
    mkdirSync(folder);
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
    }
    return folder;
  };
}
