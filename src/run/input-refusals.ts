// What the inputs of a run may not be. Told when they are found, before any stage takes away the result that it replaces.
import { open, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { invalid } from "../base/errors.js";
import { isRemote } from "../base/storage/index.js";
import { isCorpusOfFolder } from "../formats/corpus.js";
import type { FileRef } from "../records/stage.js";
import { JOURNAL_BEGIN, JOURNAL_NAME } from "./journal.js";

/** The path from one place to another that lies in it; undefined where it does not. */
function pathWithin(folder: string, place: string): string | undefined {
  const path = relative(folder, place);
  return path === ".." || path.startsWith(`..${sep}`) ? undefined : path;
}

/**
 * Results among the inputs: the second run would read what the first one wrote, and take away what it reads. `input` is a
 * file, folder or pattern of documents, `files` what it stands for, `folders` where stages write.
 */
export async function refuseOwnResults(
  input: string,
  files: readonly string[],
  folders: readonly string[],
): Promise<void> {
  const isFolder = (await stat(input).catch(() => undefined))?.isDirectory() === true;
  const places = await Promise.all(folders.map(placeOf));
  for (const [i, place] of isFolder ? places.entries() : []) {
    const path = pathWithin(await realpath(input), place);
    // No walk enters a folder whose name begins with a dot.
    const isWalked = path !== undefined && !path.split(sep).some((name) => name.startsWith("."));
    if (isWalked) throw withinInputs(input, folders[i]!, path === "" ? "which is one" : `which lies in ${input}`);
  }
  for (const file of files) {
    const real = await realpath(file).catch(() => file);
    const own = places.findIndex((place) => pathWithin(place, real) !== undefined);
    if (own >= 0) throw withinInputs(input, folders[own]!, `in which ${file} lies`);
  }
}

function withinInputs(input: string, folder: string, found: string): Error {
  return invalid("config-out", `expected an output folder outside of the inputs, got ${folder}, ${found}`, {
    where: { file: input },
    hint: "choose a folder beside them: the next run would read what this one writes",
  });
}

/** Where a folder is, or will be. */
async function placeOf(folder: string): Promise<string> {
  const place = await realpath(folder).catch(() => undefined);
  return place ?? join(await placeOf(dirname(folder)), basename(folder));
}

/** Our own books are JSON lines too: nobody means them when naming a folder above those of stages. */
export async function refuseBooks(input: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    if (file === input || basename(file) !== JOURNAL_NAME) continue;
    if (isRemote(file)) {
      throw stageBelow(
        input,
        file,
        "name the files themselves, such as part-*.jsonl, or copy the folder to this machine",
      );
    }
    if (!(await beginsAsJournal(file))) continue;
    const hint =
      "name the folder of the stage whose documents are meant, or the files themselves, such as part-*.jsonl";
    throw stageBelow(input, dirname(file), hint);
  }
}

function stageBelow(input: string, stage: string, hint: string): Error {
  const message = `expected files of documents at ${input}, found the folder of a stage: ${stage}`;
  return invalid("config-input", message, { hint });
}

/** A corpus may have a file of the journal's name. */
export async function beginsAsJournal(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(JOURNAL_BEGIN.length));
    return buffer.toString("latin1", 0, bytesRead) === JOURNAL_BEGIN;
  } finally {
    await file.close();
  }
}

/** Shards and checkpoints are no documents, though their books are JSON. */
export function refuseNoDocuments(dir: string, stage: string, data: readonly FileRef[]): void {
  if (data.every(({ path }) => isCorpusOfFolder(path))) return;
  throw invalid("config-input", `expected documents for the input, got the result of ${stage}: ${dir}`, {
    hint: "give what `clean` or `dedup` wrote, or corpus files",
  });
}

/**
 * A file that two inputs mean would be in the corpus twice, under two names; so would one and a link to it. Files of equal
 * content, or of one inode, are different files.
 */
export async function refuseRepeated(files: readonly FileRef[]): Promise<void> {
  const seen = new Map<string, string>();
  for (const { path } of files) {
    const place = isRemote(path) ? path : await realpath(path).catch(() => path);
    const other = seen.get(place);
    if (other === undefined) {
      seen.set(place, path);
      continue;
    }
    const twice = other === path ? "one twice" : `one by another name too: ${other}`;
    throw invalid("config-input", `expected each file once among the inputs, got ${twice}`, {
      where: { file: path },
      hint: "a folder or pattern stands for all of its files, and a link for what it leads to: name what is not in it",
    });
  }
}
