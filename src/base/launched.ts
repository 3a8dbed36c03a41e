// One job in several processes that a launcher (mpirun, srun) starts: the parent talks to the first of them through the
// launcher's standard input and hears all of them through its output, a line a message. What the other processes must
// know they learn from the first. The launcher is in a process group of its own, so that Ctrl-C reaches the parent alone.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ChildEnd, ChildJob } from "./child.js";
import { fromWireError, toWireError, type WireError } from "./errors.js";

/** Nothing else that a process or the launcher prints begins so. */
const MARK = "@millrace ";
/** What a launcher says first is often the reason, and what it says last who ended. */
const STDERR_HEAD = 2048;
const STDERR_TAIL = 4096;
/** After an error of one process: so long may the others take to end by themselves. */
const ERROR_GRACE_MS = 3_000;
/** The launcher ends its processes when it is asked to; one that does not answer is killed. */
const LAUNCHER_GRACE_MS = 3_000;
const STOP = "stop";

type FromProcess =
  | { readonly type: "message"; readonly message: unknown }
  | { readonly type: "result"; readonly result: unknown }
  | { readonly type: "error"; readonly error: WireError };

export interface Launch {
  /** The launcher and its options: ["mpirun", "--hostfile", "hosts"]. */
  readonly command: readonly string[];
  readonly numProcesses: number;
  /** Added to the environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** `module` calls serveLaunched; `isEcho`: an error that only says that another process had one. */
export function startLaunched<J, M, R>(
  launch: Launch,
  module: URL,
  job: J,
  onMessage: (message: M) => void,
  isEcho: (error: WireError) => boolean,
): ChildJob<R> {
  const [program, ...options] = launch.command;
  const args = [...options, "-n", String(launch.numProcesses), process.execPath, fileURLToPath(module)];
  const child = spawn(program!, args, {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
    env: { ...process.env, ...launch.env },
  });
  let said: ChildEnd<R> | undefined;
  let failure: WireError | undefined;
  const timers: NodeJS.Timeout[] = [];
  const kill = () => {
    child.kill("SIGTERM");
    timers.push(setTimeout(() => child.kill("SIGKILL"), LAUNCHER_GRACE_MS));
  };
  const hear = (line: string) => {
    const message = parse(line);
    if (message?.type === "message") onMessage(message.message as M);
    else if (message?.type === "result") said = { kind: "result", result: message.result as R };
    else if (message?.type === "error") {
      if (failure === undefined || (isEcho(failure) && !isEcho(message.error))) failure = message.error;
      timers.push(setTimeout(kill, ERROR_GRACE_MS));
    }
  };
  let rest = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) hear(line);
  });
  let head = "";
  let tail = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text: string) => {
    const room = STDERR_HEAD - head.length;
    head += text.slice(0, room);
    tail = (tail + text.slice(room)).slice(-STDERR_TAIL);
  });
  // A launcher that has ended cannot be told anything; its end is reported by `ended`.
  child.stdin.on("error", () => undefined);
  const ended = new Promise<ChildEnd<R>>((resolve) => {
    child.once("error", (error) => resolve({ kind: "error", error }));
    child.once("close", (code, signal) => {
      for (const timer of timers) clearTimeout(timer);
      hear(rest);
      const stderr = `${head}${tail.length < STDERR_TAIL ? "" : "\n"}${tail}`;
      if (failure !== undefined) resolve({ kind: "error", error: fromWireError(failure) });
      else resolve(said ?? { kind: "lost", code, signal, stderr: stderr.trim() });
    });
  });
  child.stdin.write(`${JSON.stringify(job)}\n`);
  return { pid: child.pid, ended, stop: () => child.stdin.write(`${STOP}\n`), kill };
}

function parse(line: string): FromProcess | undefined {
  const at = line.indexOf(MARK);
  if (at < 0) return undefined;
  try {
    return JSON.parse(line.slice(at + MARK.length)) as FromProcess;
  } catch {
    // Cut in two by another process's output.
    return undefined;
  }
}

function say(message: FromProcess): void {
  // On a line of its own, whatever else was printed. Written when this returns: pipes and terminals are synchronous.
  process.stdout.write(`\n${MARK}${JSON.stringify(message)}\n`);
}

/** The first process's side of the channel; the others have none but `say`. */
export interface ParentChannel {
  /** What the parent asked for, as one line of JSON. */
  readonly job: Promise<string>;
  /** Aborts when the parent wishes so. */
  readonly stopping: AbortSignal;
}

/** Reads what the parent says. A parent that is gone leaves nobody to work for: the process ends itself. */
export function openParentChannel(): ParentChannel {
  const stopping = new AbortController();
  let rest = "";
  let resolveJob: ((line: string) => void) | undefined;
  const job = new Promise<string>((resolve) => {
    resolveJob = resolve;
  });
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      if (resolveJob === undefined) stopping.abort();
      else resolveJob(line);
      resolveJob = undefined;
    }
  });
  process.stdin.on("end", () => process.kill(process.pid, "SIGKILL"));
  return { job, stopping: stopping.signal };
}

export function sayMessage(message: unknown): void {
  say({ type: "message", message });
}
export function sayResult(result: unknown): void {
  say({ type: "result", result });
}
/** The stack stays behind: lines are short, so that they arrive whole. */
export function sayError(error: unknown): void {
  say({ type: "error", error: { ...toWireError(error), stack: undefined } });
}
