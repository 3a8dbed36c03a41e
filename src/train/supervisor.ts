// The parent's side of training: starts the child, or a launcher and with it a process a rank, watches their status pages,
// and alone declares one dead or hung. What they say about their work goes to `onMessage`; how it ended becomes one result
// or one error.
import { readFile, rm } from "node:fs/promises";
import { basename } from "node:path";
import { type ChildEnd, type ChildJob, startChild } from "../base/child.js";
import { fromWireError, invalid, MillraceError } from "../base/errors.js";
import { startLaunched } from "../base/launched.js";
import { readStatusPage } from "../formats/status-page.js";
import { LAUNCH_ENV, statusPathOf } from "./processes.js";
import { defaultLimits, describePlaces, type Verdict, Watch, type WatchLimits } from "./watch.js";
import { ProcessesWatch, type SeenProcess } from "./watch-processes.js";

const LOOK_EVERY_MS = 250;
const SAID_LINES = 6;
/** A step, a measurement of the held-out loss and a checkpoint may stand between the wish to stop and the end. */
const STOP_GRACE_MS = 600_000;

export interface Supervised<J, M> {
  /** A module that calls serveChild; with `command`, one that calls serveRank. */
  readonly module: URL;
  /** Ranks are processes: that `command` starts or, without it, that a launcher has started already. */
  readonly processes?: { readonly numRanks: number; readonly command?: readonly string[] | undefined } | undefined;
  readonly job: J;
  /** Where the child writes its status page; the file of an earlier run is removed. */
  readonly statusPath: string;
  readonly signal: AbortSignal;
  onMessage(message: M): void;
  onStart?(pid: number | undefined): void;
  readonly limits?: WatchLimits | undefined;
  /** What a person can do after a failure, one sentence. */
  hint(): string;
}

export async function supervise<J, M, R>(options: Supervised<J, M>): Promise<R> {
  await rm(options.statusPath, { force: true });
  const { child, paths, judge } = start<J, M, R>(options);
  options.onStart?.(child.pid);
  const watcher = new PageWatcher(paths, judge, () => child.kill());
  let graceTimer: NodeJS.Timeout | undefined;
  const stop = () => {
    child.stop();
    graceTimer ??= setTimeout(() => child.kill(), STOP_GRACE_MS);
  };
  options.signal.addEventListener("abort", stop, { once: true });
  if (options.signal.aborted) stop();
  const end = await child.ended;
  options.signal.removeEventListener("abort", stop);
  clearTimeout(graceTimer);
  watcher.stop();
  if (end.kind === "result") return end.result;
  // Ctrl-C reaches the whole process group: a child that has only just begun knows no better than to die of it.
  if (end.kind === "lost" && options.signal.aborted && watcher.verdict === undefined) {
    throw new MillraceError("interrupted", "training was interrupted", { stage: "train", hint: options.hint() });
  }
  throw failure(end, watcher, whoIs(options, child.pid), options.hint());
}

function whoIs({ processes }: Pick<Supervised<never, never>, "processes">, pid: number | undefined): string {
  const launcher = processes?.command?.[0];
  return launcher === undefined ? `the training process ${pid}` : `the launcher ${basename(launcher)} (process ${pid})`;
}

/** From what is seen of each process, and how long ago the last look was. */
type Judge = (seen: readonly SeenProcess[], elapsedMs: number) => Verdict | undefined;

function start<J, M, R>(options: Supervised<J, M>): { child: ChildJob<R>; paths: readonly string[]; judge: Judge } {
  const { module, job, onMessage, processes, statusPath, limits = defaultLimits } = options;
  const child =
    processes?.command === undefined
      ? startChild<J, M, R>(module, job, onMessage)
      : startLaunched<J, M, R>(
          { command: processes.command, numProcesses: processes.numRanks, env: LAUNCH_ENV },
          module,
          job,
          onMessage,
          isEcho,
        );
  if (processes === undefined) {
    const watch = new Watch(limits);
    return {
      child,
      paths: [statusPath],
      judge: ([seen], elapsedMs) => seen && watch.observe(seen.page, elapsedMs, seen.isStopped),
    };
  }
  const watch = new ProcessesWatch(processes.numRanks, limits);
  return {
    child,
    paths: Array.from({ length: processes.numRanks }, (_, rank) => statusPathOf(statusPath, rank)),
    judge: (seen, elapsedMs) => watch.observe(seen, elapsedMs),
  };
}

/** A communicator's error on one rank is often another rank's failure. */
function isEcho({ code }: { readonly code: string }): boolean {
  return code === "native-communicator";
}

function failure(
  end: Exclude<ChildEnd<never>, { kind: "result" }>,
  watcher: PageWatcher,
  who: string,
  hint: string,
): Error {
  // A process that was ended for standing still has nothing to add to that.
  if (watcher.verdict !== undefined)
    return invalid(watcher.verdict.code, watcher.verdict.message, { stage: "train", hint });
  if (end.kind === "error") return withHint(end.error, hint);
  return lost(end, watcher.seen, who, hint);
}

/** What failed in the child and is no choice of the user's (a full disk) leaves the question what remains. */
function withHint(error: Error, hint: string): Error {
  if (!(error instanceof MillraceError) || error.hint !== undefined || error.code.startsWith("config")) return error;
  return fromWireError({ ...error.toWire(), hint });
}

function lost(
  end: Extract<ChildEnd<never>, { kind: "lost" }>,
  seen: readonly SeenProcess[],
  who: string,
  hint: string,
): MillraceError {
  const rank = seen.length > 1 ? lostRank(end.stderr) : undefined;
  if (rank !== undefined) {
    const page = seen[rank.rank]?.page;
    const places = page === undefined ? "" : `: ${describePlaces(page, rank.rank)}`;
    return invalid("train-process-lost", `the process of rank ${rank.rank} ${rank.how}${places}`, {
      stage: "train",
      hint,
    });
  }
  const how = end.signal === null ? `exited with code ${end.code}` : `was ended by ${end.signal}`;
  const pages = seen.flatMap((one, index) =>
    one === undefined
      ? []
      : [describePlaces(one.page, index, seen.length > 1 ? `the loop of rank ${index}` : undefined)],
  );
  const places = pages.length === 0 ? "before its first step" : pages.join(", ");
  const lines = end.stderr.split("\n").filter((line) => /[^\s-]/.test(line));
  const said = lines.length === 0 ? "" : `; it said: ${ends(lines).join(" / ")}`;
  const memory = end.signal === "SIGKILL" ? "; nobody here sent that signal, perhaps the system ran out of memory" : "";
  return invalid("train-process-lost", `${who} ${how}: ${places}${memory}${said}`, {
    stage: "train",
    hint,
  });
}

/** The first lines and the last. */
function ends(lines: readonly string[]): readonly string[] {
  if (lines.length <= 2 * SAID_LINES) return lines;
  return [...lines.slice(0, SAID_LINES), "...", ...lines.slice(-SAID_LINES)];
}

/** Which rank's process a launcher says was the first to end, and how. */
function lostRank(stderr: string): { readonly rank: number; readonly how: string } | undefined {
  const killed = /process rank (\d+) with PID \d+ on node (\S+) exited on\s+signal (\d+ \([^)]*\))/.exec(stderr);
  if (killed !== null) return { rank: Number(killed[1]), how: `on ${killed[2]} was ended by signal ${killed[3]}` };
  const task = /srun: error: (\S+): task (\d+): (.+)/.exec(stderr);
  if (task !== null) return { rank: Number(task[2]), how: `on ${task[1]} ended: ${task[3]}` };
  const exited = /Process name: \[\[\d+,\d+\],(\d+)\]\s+Exit code:\s+(\d+)/.exec(stderr);
  return exited === null ? undefined : { rank: Number(exited[1]), how: `exited with code ${exited[2]}` };
}

/**
 * Reads each page as a file: its pages are those that the child maps, and a file that is being made anew cannot fault the
 * reader, as a mapping could.
 */
class PageWatcher {
  readonly #paths: readonly string[];
  readonly #judge: Judge;
  readonly #onVerdict: () => void;
  readonly #timer: NodeJS.Timeout;
  #lastLook = performance.now();
  #looking = false;
  /** As it was last, also of a process that is gone since. */
  seen: readonly SeenProcess[];
  verdict: Verdict | undefined;

  constructor(paths: readonly string[], judge: Judge, onVerdict: () => void) {
    this.#paths = paths;
    this.#judge = judge;
    this.seen = paths.map(() => undefined);
    this.#onVerdict = onVerdict;
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking || this.verdict !== undefined) return;
    this.#looking = true;
    const seen = await Promise.all(this.#paths.map(look));
    this.#looking = false;
    const now = performance.now();
    const elapsed = now - this.#lastLook;
    this.#lastLook = now;
    this.seen = seen.map((one, index) => one ?? this.seen[index]);
    this.verdict = this.#judge(seen, elapsed);
    if (this.verdict !== undefined) this.#onVerdict();
  }
}

async function look(path: string): Promise<SeenProcess> {
  const bytes = await readFile(path).catch(() => undefined);
  const page = bytes === undefined ? undefined : readStatusPage(bytes);
  return page === undefined ? undefined : { page, isStopped: await isStopped(page.processId) };
}

/** Whether the system holds the process stopped (proc(5): state T or t). False where there is no /proc. */
async function isStopped(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  return /^[Tt]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}
