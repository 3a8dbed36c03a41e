// Lists that a user gives as files: one entry a line, UTF-8; blank lines and lines that begin with # say nothing.
import { isUtf8 } from "node:buffer";
import { readFileSync, statSync } from "node:fs";
import { invalid } from "../../base/errors.js";

interface Loaded {
  readonly stamp: string;
  readonly entries: ReadonlySet<string>;
}

/** Per worker: a list is read once, not once a block. */
const loaded = new Map<string, Loaded>();

/** Entries as `keyOf` makes them equal. `what` names the list in errors and tells two readings of one file apart. */
export function loadList(file: string, what: string, keyOf: (line: string) => string): ReadonlySet<string> {
  const stamp = stampOf(file, what);
  const name = `${what}\n${file}`;
  const known = loaded.get(name);
  if (known?.stamp === stamp) return known.entries;
  const entries = new Set(linesOf(file, what).map((line) => keyOf(line.trim())));
  loaded.set(name, { stamp, entries });
  return entries;
}

/** Refuses a file that cannot be read, or says nothing, before any work. */
export function requireList(file: string, what: string): void {
  stampOf(file, what);
  if (linesOf(file, what).length > 0) return;
  throw invalid("config-input", `expected at least one entry for ${what}, got none in ${file}`, {
    where: { file },
    hint: "blank lines and lines that begin with # say nothing",
  });
}

function linesOf(file: string, what: string): string[] {
  const bytes = readFileSync(file);
  if (!isUtf8(bytes)) {
    throw invalid("config-input", `expected UTF-8 for ${what}, got other bytes in ${file}`, {
      where: { file },
      hint: "write the list again as UTF-8: `iconv -t UTF-8` converts it",
    });
  }
  return bytes
    .toString()
    .replace(/^\ufeff/u, "")
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "" && !line.startsWith("#"));
}

function stampOf(file: string, what: string): string {
  const stats = statSync(file, { bigint: true, throwIfNoEntry: false });
  if (stats?.isFile() !== true) {
    throw invalid("config-input", `expected a file with one entry a line for ${what}, got ${file}`, {
      where: { file },
      hint: "the cards in datasets/ say how to obtain the paper's lists",
    });
  }
  return `${stats.size}-${stats.mtimeNs}-${stats.ino}`;
}
