// Ranks as processes: which launchers there are, and what a rank's process does before and after its training: it joins the
// others, hears from the first what is to be done, and leaves them.
import { existsSync } from "node:fs";
import { basename, delimiter, join } from "node:path";
import type { JobContext } from "../base/child.js";
import { invalid } from "../base/errors.js";
import { openParentChannel, sayError, sayMessage, sayResult } from "../base/launched.js";
import type { ProcessPlace } from "../native/processes.js";
import { native } from "../native.js";

const LAUNCHERS = ["mpirun", "mpiexec", "srun"];

/** What Open MPI needs to know that people would otherwise be asked for one after the other. */
export const LAUNCH_ENV = {
  // A container's only user; who starts this as root means it.
  OMPI_ALLOW_RUN_AS_ROOT: "1",
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
  // A rank is several threads: bound to one core they would take turns.
  OMPI_MCA_hwloc_base_binding_policy: "none",
};

/** The launcher and its options; throws `config-train` when it is none, starts another number of ranks, or this build cannot. */
export function parseLaunch(launch: string, numRanks: number): readonly string[] {
  const command = launch.trim().split(/\s+/);
  if (command[0] === "") {
    throw invalid("config-train", "expected mpirun, mpiexec or srun, with options, for launch, got nothing", {
      hint: "leave launch out: the ranks are then threads of one process",
    });
  }
  const halved = command.find((word) => /^[^"]*"[^"]*$|^[^']*'[^']*$/.test(word));
  if (halved !== undefined) {
    throw invalid("config-train", `expected words without quotes for launch, got ${halved}`, {
      hint: "launch is split at white space, also between quotes: an option that holds some has no place in it",
    });
  }
  if (!LAUNCHERS.includes(basename(command[0]!)))
    throw invalid("config-train", `expected mpirun, mpiexec or srun, with options, for launch, got ${launch}`);
  if (!isProgram(command[0]!))
    throw invalid("config-train", `expected ${command[0]} on the PATH for launch, found none`);
  checkCount(command, numRanks);
  const reason = native().processesReason();
  if (reason !== "") throw invalid("config-train", `expected a build with MPI for launch: ${reason}`);
  return command;
}

/** How many ranks there are is said by tp and dp; a launcher that is told another number starts who knows how many. */
function checkCount([program, ...options]: readonly string[], numRanks: number): void {
  // To srun, -c is the number of processors a task.
  const names = basename(program!) === "srun" ? "-n|--ntasks" : "--?n|--?np|-c";
  const option = new RegExp(`^(?:${names})(?:=?(\\d+))?$`);
  for (const [index, word] of options.entries()) {
    const found = option.exec(word);
    if (found === null) continue;
    const count = found[1] ?? options[index + 1];
    if (Number(count) === numRanks) continue;
    throw invalid("config-train", `expected tp * dp = ${numRanks} processes for launch, got ${word} (${count})`, {
      hint: `leave ${word} out: the number of processes is tp * dp`,
    });
  }
}

function isProgram(name: string): boolean {
  if (name.includes("/")) return existsSync(name);
  return (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, name)));
}

/** The page of one rank: in a folder of its machine alone, for mapped memory is not shared between machines. */
export function statusPathOf(statusPath: string, rank: number): string {
  return `${statusPath}.${rank}`;
}

/** This process among those of the run. */
export class Processes {
  readonly place: ProcessPlace;

  constructor(place: ProcessPlace) {
    this.place = place;
  }

  get isFirst(): boolean {
    return this.place.rank === 0;
  }

  /** What the first process has; the others wait for it. */
  async tell<T>(value: T): Promise<T> {
    return JSON.parse(await native().tellProcesses(JSON.stringify(value ?? null))) as T;
  }
}

export interface RankContext extends JobContext {
  readonly processes: Processes;
}

/** The program of a rank's process: runs the one job that the first is told of, and ends. */
export async function serveRank(run: (job: unknown, context: RankContext) => Promise<unknown>): Promise<void> {
  try {
    const processes = new Processes(await native().joinProcesses());
    const parent = processes.isFirst ? openParentChannel() : undefined;
    const job = await processes.tell(JSON.parse((await parent?.job) ?? "null") as unknown);
    const result = await run(job, {
      post: (message) => processes.isFirst && sayMessage(message),
      signal: parent?.stopping ?? new AbortController().signal,
      processes,
    });
    native().leaveProcesses(true);
    if (processes.isFirst) sayResult(result);
  } catch (error) {
    sayError(error);
    // Whoever waits for this process is ended by the launcher, which sees it fail.
    native().leaveProcesses(false);
    process.exit(1);
  }
  process.exit(0);
}
