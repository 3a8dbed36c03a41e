// What an address of an object store stands for: one object, all corpus files below a prefix, or those that match a pattern.
import { basename } from "node:path";
import { invalid } from "../base/errors.js";
import { findRemote, listRemote } from "../base/storage/index.js";
import { isCorpusOfFolder } from "../formats/corpus.js";
import { isPattern, pathExpression } from "./patterns.js";

/**
 * Addresses that `input` stands for, sorted. An object that exists is never taken for a pattern; what ends with a slash, or has
 * no key, is a folder; another name may be one too, when there is no such object. None, where nothing is found.
 */
export async function expandRemote(input: string): Promise<string[]> {
  if (!input.endsWith("/") && (await findRemote(input)) !== undefined) return [input];
  if (isPattern(input)) return (await matching(input)).sort();
  if (/^https?:/i.test(input)) {
    const hint = "check the address; an http server has no list of files: name each";
    throw invalid("config-input", `expected a file at ${input}, found none`, { where: { file: input }, hint });
  }
  const folder = input.endsWith("/") ? input : `${input}/`;
  const files: string[] = [];
  for await (const { uri } of listRemote(folder)) {
    if (isCorpusOfFolder(uri) && !isHidden(uri.slice(folder.length))) files.push(uri);
  }
  return files.sort();
}

function isHidden(path: string): boolean {
  return path.split("/").some((name) => name.startsWith("."));
}

async function matching(pattern: string): Promise<string[]> {
  const segments = pattern.split("/");
  const fixed = segments.findIndex(isPattern);
  // scheme://store/ has three of them.
  if (fixed < 3) throw invalid("config-input", `expected a pattern in the key alone, got ${pattern}`);
  const folder = `${segments.slice(0, fixed).join("/")}/`;
  const wanted = segments.slice(fixed);
  // Up to the pattern the names of objects begin alike: a page of the list has no others.
  const prefix = folder + /^[^*?{[]*/.exec(wanted[0]!)![0];
  const expression = pathExpression(wanted);
  const matches: string[] = [];
  for await (const { uri } of listRemote(prefix)) {
    if (basename(uri) !== "" && expression.test(uri.slice(folder.length))) matches.push(uri);
  }
  return matches;
}
