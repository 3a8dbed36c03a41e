// One job in a process of its own: native code may crash or hang there without taking the conductor along. The child stays
// in the parent's process group and ends itself when the parent is gone. Messages are structured clones.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { fromWireError, toWireError, type WireError } from "./errors.js";

type ToChild = { readonly type: "start"; readonly job: unknown } | { readonly type: "stop" };
type FromChild =
  | { readonly type: "message"; readonly message: unknown }
  | { readonly type: "result"; readonly result: unknown }
  | { readonly type: "error"; readonly error: WireError };

/** How a child ended; exactly one of the three. */
export type ChildEnd<R> =
  | { readonly kind: "result"; readonly result: R }
  | { readonly kind: "error"; readonly error: Error }
  /** It said nothing: crashed, killed, or exited by itself. */
  | {
      readonly kind: "lost";
      readonly code: number | null;
      readonly signal: NodeJS.Signals | null;
      readonly stderr: string;
    };

export interface ChildJob<R> {
  readonly pid: number | undefined;
  /** Settles after the process has ended; never rejects. */
  readonly ended: Promise<ChildEnd<R>>;
  /** Asks the job to finish early and well. */
  stop(): void;
  /** Ends it at once, stopped processes too. */
  kill(): void;
}

const STDERR_TAIL = 4096;

/** `module` calls serveChild; `onMessage` gets what the job posts. */
export function startChild<J, M, R>(module: URL, job: J, onMessage: (message: M) => void): ChildJob<R> {
  // No execArgv: a debugger's port of the parent is taken.
  const child = fork(fileURLToPath(module), [], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    serialization: "advanced",
    execArgv: [],
  });
  let stderr = "";
  child.stderr?.setEncoding("utf8");
  child.stderr?.on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_TAIL);
  });
  const ended = new Promise<ChildEnd<R>>((resolve) => {
    let said: ChildEnd<R> | undefined;
    child.on("message", (message: FromChild) => {
      if (message.type === "message") onMessage(message.message as M);
      else if (message.type === "result") said = { kind: "result", result: message.result as R };
      else said = { kind: "error", error: fromWireError(message.error) };
    });
    child.once("error", (error) => resolve(said ?? { kind: "error", error }));
    child.once("close", (code, signal) => resolve(said ?? { kind: "lost", code, signal, stderr: stderr.trim() }));
  });
  send(child, { type: "start", job });
  return {
    pid: child.pid,
    ended,
    stop: () => send(child, { type: "stop" }),
    kill: () => {
      child.kill("SIGKILL");
    },
  };
}

/** A child that is gone cannot be told anything; its end is reported by `ended`. */
function send(child: ChildProcess, message: ToChild): void {
  if (child.connected) child.send(message, () => undefined);
}

export interface JobContext {
  post(message: unknown): void;
  /** Aborts on the parent's `stop`, SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
}

/** The child's side: runs the one job it is sent, answers with its result or error, and exits. */
export function serveChild(run: (job: unknown, context: JobContext) => Promise<unknown>): void {
  const stopping = new AbortController();
  // A terminal's Ctrl-C reaches the whole process group, and the parent asks as well: once is enough.
  process.on("SIGINT", () => stopping.abort());
  process.on("SIGTERM", () => stopping.abort());
  const orphaned = () => process.kill(process.pid, "SIGKILL");
  process.on("disconnect", orphaned);
  const post = (message: FromChild, then?: () => void) => process.send?.(message, undefined, undefined, () => then?.());
  process.on("message", (message: ToChild) => {
    if (message.type === "stop") {
      stopping.abort();
      return;
    }
    const context: JobContext = { post: (text) => post({ type: "message", message: text }), signal: stopping.signal };
    const finish = (last: FromChild) =>
      post(last, () => {
        process.off("disconnect", orphaned);
        process.exit(0);
      });
    run(message.job, context).then(
      (result) => finish({ type: "result", result }),
      (error: unknown) => finish({ type: "error", error: toWireError(error) }),
    );
  });
}
