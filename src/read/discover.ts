// From what a person names (a file, a folder, a pattern) to the corpus files meant, in an order that does not depend on
// the machine.
import type { Stats } from "node:fs";
import { lstat, readdir, readlink, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { invalid } from "../base/errors.js";
import { isRemote } from "../base/storage/index.js";
import { corpusKind, isCorpusOfFolder } from "../formats/corpus.js";
import { expandRemote } from "./discover-remote.js";
import { ANY_FOLDERS, isPattern, segmentExpression } from "./patterns.js";

/**
 * Files that `input` stands for, sorted by path: itself when it is a file, all corpus files of a folder and the folders
 * below it, all files that match a pattern (patterns.ts). Of remote files alike: discover-remote.ts.
 * Names that begin with a dot are passed over unless they are written out. A file that exists is never taken for a pattern.
 */
export async function expandInput(input: string): Promise<string[]> {
  if (isRemote(input)) {
    const files = await expandRemote(input);
    if (files.length === 0) throw noInput(input, "an object, a folder of corpus files or objects that match at");
    return files;
  }
  const found = await statOf(input);
  if (found?.isFile()) return [input];
  if (found?.isDirectory()) {
    const below: string[] = [];
    await collectBelow(input, below);
    const files = below.filter((path) => isCorpusOfFolder(path));
    if (files.length === 0) {
      const hasJson = below.some((path) => corpusKind(path)?.format === "json");
      const hint = hasJson ? ".json files are read where they are named or match a pattern" : undefined;
      throw noInput(input, "corpus files in the folder", hint);
    }
    return files.sort();
  }
  if (found !== undefined) throw noFile(input, found);
  if (!isPattern(input)) throw noInput(input, "a file or folder at", await whereLinkLeads(input));
  const segments = input.split(sep);
  const fixed = segments.findIndex(isPattern);
  const root = segments.slice(0, fixed).join(sep) || (input.startsWith(sep) ? sep : ".");
  const matches = new Set<string>();
  await collectMatches(root, segments.slice(fixed), matches);
  if (matches.size === 0) throw noInput(input, "files that match");
  return [...matches].sort();
}

function noInput(input: string, what: string, hint?: string): Error {
  return invalid("config-input", `expected ${what} ${input}, found none`, { where: { file: input }, hint });
}

/** Undefined where nothing is, or a link that leads nowhere. */
async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    const { code = "an error" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP") return undefined;
    throw unreadable(path, code, error);
  }
}

function unreadable(path: string, code: string, cause: unknown): Error {
  return invalid("config-input", `expected an input that can be looked at, got ${code} at ${path}`, {
    where: { file: path },
    hint: "give the user who runs this the right to read it and to enter the folders above it",
    cause,
  });
}

/** Inputs are read more than once, in places: what gives its bytes once is none. */
function noFile(path: string, found: Stats): Error {
  const kind = found.isFIFO() ? "a pipe" : found.isSocket() ? "a socket" : "a device";
  return invalid("config-input", `expected a file or folder for the input, got ${kind} at ${path}`, {
    where: { file: path },
    hint: "write what it gives to a file, and name that",
  });
}

/** Node shows other bytes of a name as U+FFFD, by which nothing is found: what lies there would be left out. */
async function refuseUnreadableName(folder: string, name: string): Promise<void> {
  const path = join(folder, name);
  if (!name.includes("\ufffd") || (await lstat(path).catch(() => undefined)) !== undefined) return;
  throw invalid("config-input", `expected names in UTF-8 among the inputs, got ${JSON.stringify(name)} in ${folder}`, {
    where: { file: path },
    hint: "rename it: U+FFFD stands here for what is no UTF-8",
  });
}

async function whereLinkLeads(path: string): Promise<string | undefined> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSymbolicLink() !== true) return undefined;
  return `it is a link to ${await readlink(path)}, where nothing is: mend it or take it away`;
}

interface Entry {
  readonly name: string;
  readonly path: string;
  readonly isFolder: boolean;
  /** Throws where the entry is no file or folder that could be read: only once it is known to be meant. */
  require(): Promise<void>;
}

/** None, where there is no such folder. */
async function entriesOf(folder: string): Promise<Entry[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
    throw unreadable(folder, error.code ?? "an error", error);
  });
  const found: Entry[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    // A link to a file counts as the file; a link to a folder is not followed, so that no walk is endless.
    const target = entry.isSymbolicLink() ? await statOf(path) : undefined;
    if (target?.isDirectory()) continue;
    const isFile = entry.isFile() || target?.isFile() === true;
    const require = async (): Promise<void> => {
      await refuseUnreadableName(folder, entry.name);
      if (isFile || entry.isDirectory()) return;
      const stats = target ?? (await statOf(path));
      if (stats !== undefined) throw noFile(path, stats);
      throw noInput(path, "a file at", await whereLinkLeads(path));
    };
    found.push({ name: entry.name, path, isFolder: entry.isDirectory(), require });
  }
  return found;
}

async function collectBelow(folder: string, files: string[]): Promise<void> {
  for (const { name, path, isFolder, require } of await entriesOf(folder)) {
    if (name.startsWith(".")) continue;
    if (isFolder) {
      await require();
      await collectBelow(path, files);
      continue;
    }
    if (corpusKind(path) !== undefined) await require();
    files.push(path);
  }
}

async function collectMatches(folder: string, segments: readonly string[], matches: Set<string>): Promise<void> {
  const [segment, ...rest] = segments;
  if (segment === ANY_FOLDERS) {
    await collectMatches(folder, rest.length === 0 ? ["*"] : rest, matches);
    for (const { name, path, isFolder, require } of await entriesOf(folder)) {
      if (!isFolder || name.startsWith(".")) continue;
      await require();
      await collectMatches(path, segments, matches);
    }
    return;
  }
  const expression = segmentExpression(segment!);
  for (const { name, path, isFolder, require } of await entriesOf(folder)) {
    if (!expression.test(name) || (name.startsWith(".") && !segment!.startsWith("."))) continue;
    if (rest.length > 0 !== isFolder) continue;
    await require();
    if (isFolder) await collectMatches(path, rest, matches);
    else matches.add(path);
  }
}
