// Lists that a user gives as files: one entry a line, UTF-8; blank lines and lines that begin with # say nothing.
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
  const lines = readFileSync(file, "utf8")
    .replace(/^\ufeff/u, "")
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const entries = new Set(lines.map((line) => keyOf(line.trim())));
  loaded.set(name, { stamp, entries });
  return entries;
}

/** Refuses a file that cannot be read before any work. */
export function requireList(file: string, what: string): void {
  stampOf(file, what);
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
