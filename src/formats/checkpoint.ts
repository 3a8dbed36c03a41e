// Checkpoints: folders step-00000100 with model.safetensors (native: parameters, moments, counters) and state.json (where
// the data stands and what it was trained with). A folder appears whole, by a rename. docs/formats/checkpoint.md
import { open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { syncFolder } from "../base/atomic.js";
import { digestFile, digestJson } from "../base/digest.js";
import { invalid, type MillraceError } from "../base/errors.js";
import { makeFolders } from "../base/make-folders.js";
import type { DatasetIdentity } from "../records/batch.js";

const FORMAT = "millrace-checkpoint";
const VERSION = 2;
/** Version 1 had no digest of its own. */
const READABLE: readonly unknown[] = [1, VERSION];
export const WEIGHTS_NAME = "model.safetensors";
export const STATE_NAME = "state.json";
const PARTIAL_PREFIX = ".partial-";

/** `T`: the resolved training; this file only carries it. */
export interface CheckpointState<T = unknown> {
  readonly step: number;
  /** Global sample number of the first row of the next step: the data cursor. */
  readonly nextSample: number;
  readonly dataset: DatasetIdentity;
  readonly training: T;
  /** Of a model that was trained elsewhere: what it was read from. */
  readonly imported?: ImportedFrom;
  readonly weights: { readonly sizeBytes: number; readonly digest: string };
}

export interface ImportedFrom {
  readonly format: "hugging-face";
  readonly files: readonly { readonly name: string; readonly sizeBytes: number; readonly digest: string }[];
}

export interface Checkpoint<T = unknown> {
  readonly dir: string;
  readonly state: CheckpointState<T>;
}

function folderName(step: number): string {
  return `step-${String(step).padStart(8, "0")}`;
}

/**
 * Writes one checkpoint into `root`, where it appears whole and durable or not at all; `saveWeights` writes
 * model.safetensors, complete and durable, to the path it is given. One writer at a time.
 */
export async function writeCheckpoint<T>(
  root: string,
  state: Omit<CheckpointState<T>, "weights">,
  saveWeights: (path: string) => Promise<void>,
): Promise<Checkpoint<T>> {
  const target = join(root, folderName(state.step));
  const partial = join(root, PARTIAL_PREFIX + folderName(state.step));
  await rm(partial, { recursive: true, force: true });
  await makeFolders(partial);
  const complete = await writeFiles(partial, state, saveWeights).catch(async (error: unknown) => {
    // On a full disk its bytes are in the way of whatever comes next.
    await rm(partial, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  });
  // One of the same step can only be damaged, or it would have been resumed from.
  await rm(target, { recursive: true, force: true });
  await rename(partial, target);
  await syncFolder(root);
  return { dir: target, state: complete };
}

async function writeFiles<T>(
  dir: string,
  state: Omit<CheckpointState<T>, "weights">,
  saveWeights: (path: string) => Promise<void>,
): Promise<CheckpointState<T>> {
  const weightsPath = join(dir, WEIGHTS_NAME);
  await saveWeights(weightsPath);
  const complete: CheckpointState<T> = { ...state, weights: await digestFile(weightsPath) };
  await writeDurably(join(dir, STATE_NAME), formatState(complete));
  await syncFolder(dir);
  return complete;
}

/** The digest is over all other members, so that no changed byte of theirs moves the data cursor unseen. */
function formatState(state: CheckpointState): string {
  const content = { format: FORMAT, version: VERSION, ...state };
  return `${JSON.stringify({ ...content, digest: digestJson(content) }, null, 2)}\n`;
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function stepOf(dir: string): number {
  return Number(basename(dir).slice("step-".length));
}

/** Folders of `root` in order of their steps; whether they are whole is not looked at. */
export async function listCheckpoints(root: string): Promise<string[]> {
  const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names
    .filter((name) => /^step-\d{8,}$/.test(name))
    .map((name) => join(root, name))
    .sort((a, b) => stepOf(a) - stepOf(b));
}

function damaged(dir: string, message: string, cause?: unknown): MillraceError {
  return invalid("checkpoint-damaged", message, {
    where: { file: dir },
    hint: "remove that folder: the one before is then used",
    cause,
  });
}

/** Throws `checkpoint-damaged` when a file is missing, cut or changed; the weights are read once for their digest. */
export async function readCheckpoint<T>(dir: string): Promise<Checkpoint<T>> {
  const state = await readState<T>(dir);
  const path = join(dir, WEIGHTS_NAME);
  const { digest } = await digestFile(path);
  if (digest !== state.weights.digest)
    throw damaged(dir, `expected digest ${state.weights.digest} for ${path}, got ${digest}`);
  return { dir, state };
}

/** What state.json says, and that the weights are as long as they should be; of their bytes none is read. */
export async function readState<T>(dir: string): Promise<CheckpointState<T>> {
  let value: ({ format?: unknown; version?: unknown; digest?: unknown } & CheckpointState<T>) | null;
  try {
    value = JSON.parse(await readFile(join(dir, STATE_NAME), "utf8"));
  } catch (cause) {
    throw damaged(dir, `expected a checkpoint with a readable ${STATE_NAME} at ${dir}, found none`, cause);
  }
  // Every version says these two alike.
  if (value?.format !== FORMAT || !Number.isInteger(value.version))
    throw damaged(dir, `expected format ${FORMAT} and a version in ${STATE_NAME} at ${dir}, got something else`);
  if (!READABLE.includes(value.version)) {
    throw invalid(
      "checkpoint-version",
      `expected ${FORMAT} version ${VERSION} at ${dir}, got ${String(value.format)} version ${String(value.version)}`,
      {
        hint: "use the version of this program that wrote it",
      },
    );
  }
  const { digest, ...content } = value;
  const found = digestJson(content);
  if (content.version === VERSION && digest !== found)
    throw damaged(dir, `expected digest ${String(digest)} for what ${STATE_NAME} says, got ${found}`);
  const { format: _format, version: _version, ...state } = content;
  if (state.weights === undefined) throw damaged(dir, `expected weights in ${STATE_NAME} at ${dir}, got none`);
  const path = join(dir, WEIGHTS_NAME);
  const sizeBytes = (await stat(path).catch(() => undefined))?.size;
  if (sizeBytes !== state.weights.sizeBytes)
    throw damaged(dir, `expected ${state.weights.sizeBytes} bytes for ${path}, got ${sizeBytes ?? "no file"}`);
  return state;
}

/** The newest one that is whole; what is not is reported to `skipped` and left alone. */
export async function newestCheckpoint<T>(
  root: string,
  skipped: (error: Error) => void,
): Promise<Checkpoint<T> | undefined> {
  for (const dir of (await listCheckpoints(root)).reverse()) {
    try {
      return await readCheckpoint<T>(dir);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "checkpoint-damaged") throw error;
      skipped(error as Error);
    }
  }
  return undefined;
}

/**
 * Removes half-written folders and all but the `keep` newest up to `step`. What is newer than the step a run has come to
 * was damaged when it went on from an older one: it takes nobody's place.
 */
export async function pruneCheckpoints(root: string, keep: number, step: number): Promise<void> {
  const names = await readdir(root).catch(() => []);
  for (const name of names) {
    if (name.startsWith(PARTIAL_PREFIX)) await rm(join(root, name), { recursive: true, force: true });
  }
  const reached = (await listCheckpoints(root)).filter((dir) => stepOf(dir) <= step);
  for (const dir of reached.slice(0, -keep)) {
    // Out of sight first, so that a kill leaves no folder that looks whole and is not.
    const aside = join(root, PARTIAL_PREFIX + basename(dir));
    await rename(dir, aside);
    await rm(aside, { recursive: true, force: true });
  }
}

/** Every value that differs, as "path: there -> here"; objects are walked, all else compared as JSON. */
export function describeDifferences(there: unknown, here: unknown, path = ""): string[] {
  if (isObject(there) && isObject(here)) {
    const keys = [...new Set([...Object.keys(there), ...Object.keys(here)])];
    return keys.flatMap((key) => describeDifferences(there[key], here[key], path === "" ? key : `${path}.${key}`));
  }
  const [before, now] = [show(there), show(here)];
  return before === now ? [] : [`${path}: ${before} -> ${now}`];
}

function show(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
