// Checkpoints: folders step-00000100 with model.safetensors (native: parameters, moments, counters) and state.json (where
// the data stands and what it was trained with). A folder appears whole, by a rename. docs/formats/checkpoint.md
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { syncFolder } from "../base/atomic.js";
import { digestFile } from "../base/digest.js";
import { invalid } from "../base/errors.js";
import type { DatasetIdentity } from "../records/batch.js";

const FORMAT = "millrace-checkpoint";
const VERSION = 1;
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
  readonly weights: { readonly sizeBytes: number; readonly digest: string };
}

export interface Checkpoint<T = unknown> {
  readonly dir: string;
  readonly state: CheckpointState<T>;
}

function folderName(step: number): string {
  return `step-${String(step).padStart(8, "0")}`;
}

/** Writes one checkpoint into `root`; `saveWeights` writes model.safetensors, complete and durable, to the path it is given. */
export async function writeCheckpoint<T>(
  root: string,
  state: Omit<CheckpointState<T>, "weights">,
  saveWeights: (path: string) => Promise<void>,
): Promise<Checkpoint<T>> {
  const target = join(root, folderName(state.step));
  const partial = join(root, PARTIAL_PREFIX + folderName(state.step));
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  const weightsPath = join(partial, WEIGHTS_NAME);
  await saveWeights(weightsPath);
  const complete: CheckpointState<T> = { ...state, weights: await digestFile(weightsPath) };
  const text = `${JSON.stringify({ format: FORMAT, version: VERSION, ...complete }, null, 2)}\n`;
  await writeFile(join(partial, STATE_NAME), text);
  await syncFile(join(partial, STATE_NAME));
  await syncFile(weightsPath);
  await syncFolder(partial);
  // One of the same step can only be damaged, or it would have been resumed from.
  await rm(target, { recursive: true, force: true });
  await rename(partial, target);
  await syncFolder(root);
  return { dir: target, state: complete };
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Folders of `root` in order of their steps; whether they are whole is not looked at. */
export async function listCheckpoints(root: string): Promise<string[]> {
  const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names
    .filter((name) => /^step-\d{8,}$/.test(name))
    .sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)))
    .map((name) => join(root, name));
}

/** Throws `checkpoint-damaged` when a file is missing, cut or changed; the weights are read once for their digest. */
export async function readCheckpoint<T>(dir: string): Promise<Checkpoint<T>> {
  const damaged = (message: string, cause?: unknown) =>
    invalid("checkpoint-damaged", message, {
      where: { file: dir },
      hint: "remove that folder: the one before is then used",
      cause,
    });
  let value: { format?: unknown; version?: unknown } & CheckpointState<T>;
  try {
    value = JSON.parse(await readFile(join(dir, STATE_NAME), "utf8"));
  } catch (cause) {
    throw damaged(`expected a checkpoint with a readable ${STATE_NAME} at ${dir}, found none`, cause);
  }
  if (value.format !== FORMAT || value.version !== VERSION) {
    throw invalid(
      "checkpoint-version",
      `expected ${FORMAT} version ${VERSION} at ${dir}, got ${String(value.format)} version ${String(value.version)}`,
      {
        hint: "use the version of this program that wrote it",
      },
    );
  }
  const path = join(dir, WEIGHTS_NAME);
  const found = await stat(path).catch(() => undefined);
  if (found?.size !== value.weights.sizeBytes) {
    throw damaged(`expected ${value.weights.sizeBytes} bytes for ${path}, got ${found?.size ?? "no file"}`);
  }
  const { digest } = await digestFile(path);
  if (digest !== value.weights.digest)
    throw damaged(`expected digest ${value.weights.digest} for ${path}, got ${digest}`);
  const { step, nextSample, dataset, training, weights } = value;
  return { dir, state: { step, nextSample, dataset, training, weights } };
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

/** Removes half-written folders and all but the `keep` newest. */
export async function pruneCheckpoints(root: string, keep: number): Promise<void> {
  const names = await readdir(root).catch(() => []);
  for (const name of names) {
    if (name.startsWith(PARTIAL_PREFIX)) await rm(join(root, name), { recursive: true, force: true });
  }
  for (const dir of (await listCheckpoints(root)).slice(0, -keep)) {
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
