// A command that mpirun or srun started once a rank: the first process conducts, the others are ranks of its training.
import { invalid, MillraceError } from "../base/errors.js";
import { launchedPlace, releaseLaunched, serveAsPartner } from "../train/index.js";
import { TRAINING_CHILD } from "./registry.js";
import { runJob } from "./training-job.js";

/** `trains`: the command may train; `conduct` is what it does in one process. */
export async function conductOnce(trains: boolean, conduct: () => Promise<void>): Promise<void> {
  const place = launchedPlace();
  if (place === undefined) return conduct();
  if (!trains)
    throw invalid("config-launch", `expected one process for a command that does not train, got ${place.numRanks}`);
  if (place.rank === 0) {
    await conduct();
    return releaseLaunched(TRAINING_CHILD);
  }
  // Ctrl-C is for the first process, which asks this one to stop between two steps.
  process.on("SIGINT", () => undefined);
  if (!(await serveAsPartner(runJob)))
    throw new MillraceError("train-partner-failed", `rank ${place.rank} ended, for another rank did`, {
      stage: "train",
    });
}
