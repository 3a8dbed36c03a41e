// The code of a worker thread: looks a task's function up by its registered name and runs it. Errors leave as plain values,
// because own fields of an Error do not survive the way out of a worker.
import { invariant, toWireError, type WireError } from "../base/errors.js";
import { boundGarbage, collectGarbage } from "../base/garbage.js";
import type { BlockReader, Payload } from "../records/block-reader.js";
import type { Json, TaskFunction, TaskResult } from "../records/stage.js";
import { entryByName, type Registry } from "./registry.js";

export interface WorkerRequest {
  /** Module that exports `registry`. */
  readonly registryUrl: string;
  readonly run: string;
  readonly args: Json;
  readonly payload?: Payload | undefined;
  readonly dir: string;
  readonly workDir: string;
  /** The run's memory is bounded: take little. */
  readonly isBounded: boolean;
}

export type WorkerReply =
  | { readonly result: TaskResult; readonly seconds: number; readonly error?: undefined }
  | { readonly error: WireError };

let registry: Registry | undefined;
let reader: BlockReader | undefined;
const functions = new Map<string, TaskFunction>();

async function functionOf(run: string, registry: Registry): Promise<TaskFunction> {
  let found = functions.get(run);
  if (found === undefined) {
    const tasks = await entryByName(registry, run.slice(0, run.indexOf("/"))).loadTasks();
    found = tasks[run];
    invariant(found !== undefined, `expected a registered task function, got "${run}"`);
    functions.set(run, found);
  }
  return found;
}

export default async function runTask({
  registryUrl,
  run,
  args,
  payload,
  dir,
  workDir,
  isBounded,
}: WorkerRequest): Promise<WorkerReply> {
  const start = performance.now();
  try {
    // What the block before this one was carried in would else wait for V8 to look.
    if (isBounded || payload !== undefined) boundGarbage();
    collectGarbage();
    registry ??= ((await import(registryUrl)) as { registry: Registry }).registry;
    reader ??= await registry.loadReader();
    const task = await functionOf(run, registry);
    const result = await task(args as never, { dir, workDir, reader }, payload);
    return { result, seconds: (performance.now() - start) / 1000 };
  } catch (error) {
    return { error: toWireError(error) };
  }
}
