// The program of a training or evaluating process: joins the loader with the loops, which know each other only as
// interfaces. Started by the supervisor, never by hand.
import { dirname } from "node:path";
import { serveChild } from "../base/child.js";
import { invariant } from "../base/errors.js";
import { type EvaluateJob, runEvaluation } from "../evaluate/index.js";
import { ShardDataset } from "../load/index.js";
import { runTraining, type TrainJob } from "../train/index.js";

serveChild(async (message, context) => {
  const job = message as TrainJob | EvaluateJob;
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
});
