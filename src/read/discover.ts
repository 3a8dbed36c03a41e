// From what a person names (a file, a folder, a pattern) to the corpus files meant, in an order that does not depend on
// the machine.
import { readdir, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { invalid } from "../base/errors.js";
import { isCorpusOfFolder } from "../formats/corpus.js";

const PATTERN_CHARACTERS = /[*?{[]/;

/**
 * Files that `input` stands for, sorted by path: itself when it is a file, all corpus files of a folder and the folders
 * below it, all files that match a pattern (`*`, `?`, `[abc]`, `{a,b}`, and double stars for any number of folders).
 * Names that begin with a dot are passed over unless they are written out. A file that exists is never taken for a pattern.
 */
export async function expandInput(input: string): Promise<string[]> {
  const found = await stat(input).catch(() => undefined);
  if (found?.isFile()) return [input];
  if (found?.isDirectory()) {
    const files = (await filesBelow(input)).filter((path) => isCorpusOfFolder(path));
    if (files.length === 0) throw noInput(input, "corpus files in the folder");
    return files.sort(byPath);
  }
  if (!PATTERN_CHARACTERS.test(input)) throw noInput(input, "a file or folder at");
  const segments = input.split(sep);
  const fixed = segments.findIndex((segment) => PATTERN_CHARACTERS.test(segment));
  const root = segments.slice(0, fixed).join(sep) || (input.startsWith(sep) ? sep : ".");
  const matches = await matchBelow(root, segments.slice(fixed));
  if (matches.length === 0) throw noInput(input, "files that match");
  return [...new Set(matches)].sort(byPath);
}

function noInput(input: string, what: string): Error {
  return invalid("config-input", `expected ${what} ${input}, found none`, { where: { file: input } });
}

function byPath(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
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
  if (segment === "**") {
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

function segmentExpression(segment: string): RegExp {
  let depth = 0;
  const source = segment.replace(/\[[^\]]+\]|[\s\S]/g, (token) => {
    if (token.length > 1) return token.replace(/^\[!/, "[^").replace(/\\/g, "\\\\");
    if (token === "*") return ".*";
    if (token === "?") return ".";
    if (token === "{") {
      depth += 1;
      return "(?:";
    }
    if (token === "}" && depth > 0) {
      depth -= 1;
      return ")";
    }
    if (token === "," && depth > 0) return "|";
    return token.replace(/[.+^$()|[\]\\{}]/g, "\\$&");
  });
  if (depth > 0) throw invalid("config-input", `expected a closing brace in the pattern ${segment}, got none`);
  return new RegExp(`^${source}$`, "su");
}
