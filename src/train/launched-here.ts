// When mpirun or srun started this very command, once a rank: `mpirun -n 4 millrace train --tp 4 ...`. The first process
// conducts and reports, as ever; the others are ranks that wait for what it does.
import { startChild } from "../base/child.js";
import { invalid } from "../base/errors.js";
import { native } from "../native.js";
import { Processes, type RankContext } from "./processes.js";

export interface LaunchedPlace {
  readonly rank: number;
  readonly numRanks: number;
}

/** Rank and number of processes as launchers say them; Slurm says the latter only inside of a step. */
const VARIABLES = [
  ["OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"],
  ["PMI_RANK", "PMI_SIZE"],
  ["SLURM_PROCID", "SLURM_STEP_NUM_TASKS"],
] as const;

/** Undefined where this command was started once. */
export function launchedPlace(env: NodeJS.ProcessEnv = process.env): LaunchedPlace | undefined {
  for (const [rankName, sizeName] of VARIABLES) {
    const [rank, numRanks] = [Number(env[rankName] ?? Number.NaN), Number(env[sizeName] ?? Number.NaN)];
    if (Number.isInteger(rank) && Number.isInteger(numRanks)) return numRanks > 1 ? { rank, numRanks } : undefined;
  }
  return undefined;
}

/** The others can be told of one training: a process joins MPI once. */
let told = false;

/** How many ranks the launcher started for this training, and nobody else's; undefined where it started none. */
export function takeLaunchedRanks(numRanks: number, launch: readonly string[] | undefined): number | undefined {
  const place = launchedPlace();
  if (place === undefined) return undefined;
  if (launch !== undefined)
    throw invalid(
      "config-train",
      `expected no launch in one of ${place.numRanks} launched processes, got ${launch[0]}`,
    );
  if (place.numRanks !== numRanks)
    throw invalid(
      "config-train",
      `expected tp * dp = ${place.numRanks}, the number of launched processes, got ${numRanks}`,
    );
  const reason = native().processesReason();
  if (reason !== "")
    throw invalid("config-train", `expected a build with MPI for ${place.numRanks} launched processes: ${reason}`);
  told = true;
  return place.numRanks;
}

/** Runs `job` in this process, a child of the first one, and with it in all others. */
export async function runAsFirst<R>(
  job: unknown,
  context: Omit<RankContext, "processes">,
  run: (job: unknown, context: RankContext) => Promise<R>,
): Promise<R> {
  const processes = new Processes(await native().joinProcesses());
  try {
    await processes.tell(job);
    const result = await run(job, { ...context, processes });
    native().leaveProcesses(true);
    return result;
  } catch (error) {
    native().leaveProcesses(false);
    throw error;
  }
}

/** A job that is nothing: the others may go. */
export interface ReleaseJob {
  readonly kind: "release";
}

/** Ends the wait of the others where the first had nothing to train. `childModule`: as for the train stage. */
export async function releaseLaunched(childModule: URL): Promise<void> {
  if (launchedPlace() === undefined || told) return;
  const end = await startChild<ReleaseJob, never, null>(childModule, { kind: "release" }, () => undefined).ended;
  if (end.kind === "error") throw end.error;
}

/** What a process that is not the first does. False: it failed by what another process did, which that one reports. */
export async function serveAsPartner(run: (job: unknown, context: RankContext) => Promise<unknown>): Promise<boolean> {
  const processes = new Processes(await native().joinProcesses());
  try {
    const job = await processes.tell<{ readonly kind: string } | null>(null);
    if (job?.kind !== "release") {
      await run(job, { post: () => undefined, signal: new AbortController().signal, processes });
    }
    native().leaveProcesses(true);
    return true;
  } catch (error) {
    native().leaveProcesses(false);
    if ((error as { code?: unknown }).code === "native-communicator") return false;
    throw error;
  }
}
