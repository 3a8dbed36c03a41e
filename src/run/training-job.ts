// What a training or evaluating process does: joins the loader with the loops, which know each other only as interfaces.
import { dirname } from "node:path";
import type { JobContext } from "../base/child.js";
import { invariant } from "../base/errors.js";
import { type EvaluateJob, runEvaluation } from "../evaluate/index.js";
import { ShardDataset } from "../load/index.js";
import { type Processes, type ReleaseJob, runAsFirst, runTraining, type TrainJob } from "../train/index.js";

/** `processes`: each rank is a process, and this is one of them. */
export async function runJob(message: unknown, context: JobContext & { processes?: Processes }): Promise<unknown> {
  const job = message as TrainJob | EvaluateJob | ReleaseJob;
  if (job.kind === "release") return runAsFirst(job, context, async () => null);
  if (job.kind === "train" && job.isLaunched === true && context.processes === undefined)
    return runAsFirst(job, context, runJob);
  const dataset = await ShardDataset.open(dirname(job.manifest));
  try {
    if (job.kind === "train") return await runTraining(job, dataset, context);
    invariant(
      job.kind === "evaluate",
      `expected a job to train or evaluate, got ${String((job as { kind?: unknown }).kind)}`,
    );
    return await runEvaluation(job, dataset, context);
  } finally {
    await dataset.close();
  }
}
