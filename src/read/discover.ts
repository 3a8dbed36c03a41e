// From what a person names (a file, a folder, a pattern) to the corpus files meant, in an order that does not depend on
// the machine.
import { readdir, stat } from "node:fs/promises";
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
  const found = await stat(input).catch(() => undefined);
  if (found?.isFile()) return [input];
  if (found?.isDirectory()) {
    const below = await filesBelow(input);
    const files = below.filter((path) => isCorpusOfFolder(path));
    if (files.length === 0) {
      const hasJson = below.some((path) => corpusKind(path)?.format === "json");
      const hint = hasJson ? ".json files are read where they are named or match a pattern" : undefined;
      throw noInput(input, "corpus files in the folder", hint);
    }
    return files.sort();
  }
  if (!isPattern(input)) throw noInput(input, "a file or folder at");
  const segments = input.split(sep);
  const fixed = segments.findIndex(isPattern);
  const root = segments.slice(0, fixed).join(sep) || (input.startsWith(sep) ? sep : ".");
  const matches = await matchBelow(root, segments.slice(fixed));
  if (matches.length === 0) throw noInput(input, "files that match");
  return [...new Set(matches)].sort();
}

function noInput(input: string, what: string, hint?: string): Error {
  return invalid("config-input", `expected ${what} ${input}, found none`, { where: { file: input }, hint });
}

async function entriesOf(folder: string): Promise<{ name: string; path: string; isFolder: boolean }[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    // A link to a file counts as the file; a link to a folder is not followed, so that no walk is endless.
    const isFile = entry.isFile() || (entry.isSymbolicLink() && (await stat(path).catch(() => undefined))?.isFile());
    if (isFile || entry.isDirectory()) found.push({ name: entry.name, path, isFolder: entry.isDirectory() });
  }
  return found;
}

async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const { name, path, isFolder } of await entriesOf(folder)) {
    if (name.startsWith(".")) continue;
    if (isFolder) files.push(...(await filesBelow(path)));
    else files.push(path);
  }
  return files;
}

async function matchBelow(folder: string, segments: readonly string[]): Promise<string[]> {
  const [segment, ...rest] = segments;
  const matches: string[] = [];
  if (segment === ANY_FOLDERS) {
    matches.push(...(await matchBelow(folder, rest.length === 0 ? ["*"] : rest)));
    for (const { name, path, isFolder } of await entriesOf(folder)) {
      if (isFolder && !name.startsWith(".")) matches.push(...(await matchBelow(path, segments)));
    }
    return matches;
  }
  const expression = segmentExpression(segment!);
  for (const { name, path, isFolder } of await entriesOf(folder)) {
    if (!expression.test(name) || (name.startsWith(".") && !segment!.startsWith("."))) continue;
    if (rest.length > 0 && isFolder) matches.push(...(await matchBelow(path, rest)));
    if (rest.length === 0 && !isFolder) matches.push(path);
  }
  return matches;
}
