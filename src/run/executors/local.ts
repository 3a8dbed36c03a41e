// Runs tasks on a Piscina pool in this process: the default executor. One task a worker at a time; as many tasks in flight
// as there are workers plus a few that wait, so that a sequential reader runs ahead of its workers but not away from them.
import { setFlagsFromString } from "node:v8";
import { fromWireError, invalid, MillraceError, toWireError, type WireError } from "../../base/errors.js";
import { Piscina } from "../../base/pool.js";
import type { Task, TaskResult } from "../../records/stage.js";
import type { WorkerReply, WorkerRequest } from "../worker.js";
import type { Executor, PhaseTasks } from "./executor.js";

const WAITING_TASKS = 2;
/**
 * Payloads in flight, for each worker and for one that waits: a block is as long, unless it holds a record that is longer.
 */
const PAYLOAD_BYTES_A_TASK = 2 ** 26;
/** New objects of a worker whose memory is bounded: by default V8 lets them grow to 48 MB before it looks for garbage. */
const BOUNDED_YOUNG_MB = 4;
/**
 * Old objects of any other worker before V8 first looks for garbage among them. A worker has about 10 MB of them, its code
 * mostly, and by itself V8 marks them all after every 2 MB more: measured, 76 times and a tenth of the processor time of a
 * dedup of 1.5 GB.
 */
const UNBOUNDED_OLD_MB = 64;

export class LocalExecutor implements Executor {
  readonly numWorkers: number;
  readonly #registryUrl: string;
  #pool: Piscina<WorkerRequest, WorkerReply> | undefined;
  /** Threads of the pool, and whether they are to take little memory. */
  #poolSize = 0;
  #isBounded = false;

  constructor(numWorkers: number, registryUrl: string) {
    this.numWorkers = numWorkers;
    this.#registryUrl = registryUrl;
  }

  async runPhase({ folders, tasks, maxWorkers, onResult, signal }: PhaseTasks): Promise<void> {
    const workers = Math.min(this.numWorkers, maxWorkers ?? this.numWorkers);
    const isBounded = maxWorkers !== undefined;
    const maxInFlight = isBounded ? workers : workers + WAITING_TASKS;
    // Idle threads take memory too.
    if (this.#pool !== undefined && (this.#poolSize !== workers || this.#isBounded !== isBounded)) await this.close();
    this.#isBounded = isBounded;
    const stop = new AbortController();
    let failed: { error: unknown } | undefined;
    const fail = (error: unknown): void => {
      failed ??= { error };
      stop.abort();
    };
    const interrupt = (): void => fail(interrupted());
    if (signal.aborted) interrupt();
    signal.addEventListener("abort", interrupt);
    const inFlight = new Set<Promise<void>>();
    const maxPayloadBytes = (workers + 1) * PAYLOAD_BYTES_A_TASK;
    let payloadBytes = 0;
    try {
      for await (const task of tasks) {
        if (failed !== undefined) break;
        const sizeBytes = task.payload?.reduce((sum, part) => sum + part.byteLength, 0) ?? 0;
        payloadBytes += sizeBytes;
        const running = this.#runTask(task, workers, folders, stop.signal)
          .then(({ result, seconds }) => onResult(task, result, seconds))
          .catch(fail)
          .finally(() => {
            inFlight.delete(running);
            payloadBytes -= sizeBytes;
          });
        inFlight.add(running);
        while (inFlight.size >= maxInFlight || payloadBytes >= maxPayloadBytes) await Promise.race(inFlight);
        if (failed !== undefined) break;
      }
    } catch (error) {
      fail(error);
    } finally {
      await Promise.all(inFlight);
      signal.removeEventListener("abort", interrupt);
    }
    if (failed !== undefined) throw failed.error;
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.destroy();
  }

  async #runTask(
    task: Task,
    workers: number,
    folders: PhaseTasks["folders"],
    signal: AbortSignal,
  ): Promise<{ result: TaskResult; seconds: number }> {
    const { id, run, args, payload } = task;
    if (this.#pool === undefined) {
      this.#pool = startPool(workers, this.#isBounded);
      this.#poolSize = workers;
    }
    let reply: WorkerReply;
    try {
      const request: WorkerRequest = {
        registryUrl: this.#registryUrl,
        run,
        args,
        payload,
        dir: folders.dir,
        workDir: folders.workDir,
        isBounded: this.#isBounded,
      };
      reply = await this.#pool.run(request, { transferList: payload === undefined ? [] : [...payload], signal });
    } catch (error) {
      throw signal.aborted ? interrupted() : workerDied(task, folders.stage, error);
    }
    if (reply.error !== undefined) throw placed(reply.error, id, folders.stage);
    return { result: reply.result, seconds: reply.seconds };
  }
}

function startPool(numWorkers: number, isBounded: boolean): Piscina<WorkerRequest, WorkerReply> {
  // Of the process, but read when a thread's heap is made.
  setFlagsFromString(`--initial-old-space-size=${isBounded ? 0 : UNBOUNDED_OLD_MB}`);
  const pool = new Piscina<WorkerRequest, WorkerReply>({
    filename: new URL("../worker.js", import.meta.url).href,
    minThreads: numWorkers,
    maxThreads: numWorkers,
    concurrentTasksPerWorker: 1,
    ...(isBounded ? { resourceLimits: { maxYoungGenerationSizeMb: BOUNDED_YOUNG_MB } } : {}),
  });
  // Piscina 5.3.2 forgets a task that is aborted while its reply is on the way, and reports the reply as an error of the pool,
  // which ends the process when nobody listens. What matters to a task reaches its own promise.
  pool.on("error", () => {});
  return pool;
}

export function interrupted(): MillraceError {
  return new MillraceError("interrupted", "the run was interrupted", { hint: "the same command continues it" });
}

/** The task's own error, with its stage; its id where the error names no place itself. */
function placed(wire: WireError, id: string, stage: string): MillraceError {
  const where = wire.where ?? { record: `task ${id}` };
  return fromWireError({ ...wire, stage: wire.stage ?? stage, where });
}

function workerDied(task: Task, stage: string, cause: unknown): MillraceError {
  const { code, message } = toWireError(cause);
  const outOfMemory = code === "ERR_WORKER_OUT_OF_MEMORY";
  const how = outOfMemory ? "ran out of memory" : `died (${message})`;
  return invalid("worker-died", `the worker of task ${task.id} (${task.run}) ${how}`, {
    stage,
    hint: outOfMemory
      ? "use fewer workers, or give Node more memory with NODE_OPTIONS=--max-old-space-size"
      : "run again: finished tasks are kept",
    cause,
  });
}
