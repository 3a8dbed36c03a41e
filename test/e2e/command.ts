// The user's own command in a process group of its own, so that a test can kill all of it.
import { spawn } from "node:child_process";

export interface StartedCommand {
  /** Null when it was killed; rejects, with what it said, when it failed. */
  readonly exit: Promise<number | null>;
  /** Kills the whole group with SIGKILL; does nothing when the command has ended. */
  kill(): void;
}

/** `program`: the JavaScript file of the command line. */
export function startCommand(program: string, args: readonly string[], cwd: string): StartedCommand {
  const child = spawn(process.execPath, [program, ...args], { cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => (output += bytes.toString()));
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once("exit", (code) =>
      code === null || code === 0 ? resolve(code) : reject(new Error(`exit ${code}\n${output}`)),
    );
  });
  const kill = () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, "SIGKILL");
  };
  return { exit, kill };
}
