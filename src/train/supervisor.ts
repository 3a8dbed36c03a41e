// The parent's side of training: starts the child, watches its status page, and alone declares it dead or hung. What the
// child says about its work goes to `onMessage`; how it ended becomes one result or one error.
import { readFile, rm } from "node:fs/promises";
import { type ChildEnd, startChild } from "../base/child.js";
import { fromWireError, invalid, MillraceError } from "../base/errors.js";
import { readStatusPage, type StatusPage } from "../formats/status-page.js";
import { defaultLimits, describePlaces, type Verdict, Watch, type WatchLimits } from "./watch.js";

const LOOK_EVERY_MS = 250;
/** A step, a measurement of the held-out loss and a checkpoint may stand between the wish to stop and the end. */
const STOP_GRACE_MS = 600_000;

export interface Supervised<J, M> {
  /** A module that calls serveChild. */
  readonly module: URL;
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
  const child = startChild<J, M, R>(options.module, options.job, options.onMessage);
  options.onStart?.(child.pid);
  const watcher = new PageWatcher(options.statusPath, options.limits ?? defaultLimits, () => child.kill());
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
  throw failure(end, watcher, child.pid, options.hint());
}

function failure(
  end: Exclude<ChildEnd<never>, { kind: "result" }>,
  watcher: PageWatcher,
  pid: number | undefined,
  hint: string,
): Error {
  // A process that was ended for standing still has nothing to add to that.
  if (watcher.verdict !== undefined)
    return invalid(watcher.verdict.code, watcher.verdict.message, { stage: "train", hint });
  if (end.kind === "error") return withHint(end.error, hint);
  return lost(end, watcher.page, pid, hint);
}

/** What failed in the child and is no choice of the user's (a full disk) leaves the question what remains. */
function withHint(error: Error, hint: string): Error {
  if (!(error instanceof MillraceError) || error.hint !== undefined || error.code.startsWith("config")) return error;
  return fromWireError({ ...error.toWire(), hint });
}

function lost(
  end: Extract<ChildEnd<never>, { kind: "lost" }>,
  page: StatusPage | undefined,
  pid: number | undefined,
  hint: string,
): MillraceError {
  const how = end.signal === null ? `exited with code ${end.code}` : `was ended by ${end.signal}`;
  const places = page === undefined ? "before its first step" : describePlaces(page);
  const said = end.stderr === "" ? "" : `; it said: ${end.stderr.split("\n").slice(-3).join(" / ")}`;
  const memory = end.signal === "SIGKILL" ? "; nobody here sent that signal, perhaps the system ran out of memory" : "";
  return invalid("train-process-lost", `the training process ${pid} ${how}: ${places}${memory}${said}`, {
    stage: "train",
    hint,
  });
}

/**
 * Reads the page as a file: its pages are those that the child maps, and a file that is being made anew cannot fault the
 * reader, as a mapping could.
 */
class PageWatcher {
  readonly #path: string;
  readonly #watch: Watch;
  readonly #onVerdict: () => void;
  readonly #timer: NodeJS.Timeout;
  #lastLook = performance.now();
  #looking = false;
  page: StatusPage | undefined;
  verdict: Verdict | undefined;

  constructor(path: string, limits: WatchLimits, onVerdict: () => void) {
    this.#path = path;
    this.#watch = new Watch(limits);
    this.#onVerdict = onVerdict;
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking || this.verdict !== undefined) return;
    this.#looking = true;
    const bytes = await readFile(this.#path).catch(() => undefined);
    const page = bytes === undefined ? undefined : readStatusPage(bytes);
    const stopped = page !== undefined && (await isStopped(page.processId));
    this.#looking = false;
    const now = performance.now();
    const elapsed = now - this.#lastLook;
    this.#lastLook = now;
    if (page === undefined) return;
    this.page = page;
    this.verdict = this.#watch.observe(page, elapsed, stopped);
    if (this.verdict !== undefined) this.#onVerdict();
  }
}

/** Whether the system holds the process stopped (proc(5): state T or t). False where there is no /proc. */
async function isStopped(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  return /^[Tt]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}
