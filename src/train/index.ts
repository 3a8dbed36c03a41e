// The stage that trains: one process phase that supervises a child. It resumes from its own checkpoints.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { digestFile } from "../base/digest.js";
import { invalid, MillraceError } from "../base/errors.js";
import { listCheckpoints, STATE_NAME, WEIGHTS_NAME } from "../formats/checkpoint.js";
import { MANIFEST_FILE } from "../formats/manifest.js";
import { type MetricsLine, readMetrics } from "../formats/metrics.js";
import { modelFile, requireDevice } from "../models/index.js";
import type { FileRef, PhaseContext, Progress, Stage, TaskResult } from "../records/stage.js";
import { resolveTraining, type TrainConfig, trainSchema } from "./config.js";
import { initFile } from "./initial-weights.js";
import { takeLaunchedRanks } from "./launched-here.js";
import type { TrainJob, TrainMessage, TrainOutcome } from "./loop.js";
import { CHECKPOINTS_NAME, METRICS_NAME } from "./run-records.js";
import { supervise } from "./supervisor.js";

export { type ResolvedTraining, resolveTraining, type TrainConfig, trainerConfig, trainSchema } from "./config.js";
export {
  launchedPlace,
  type ReleaseJob,
  releaseLaunched,
  runAsFirst,
  serveAsPartner,
} from "./launched-here.js";
export { runTraining, type TrainJob } from "./loop.js";
export { type Processes, serveRank } from "./processes.js";

const STATUS_NAME = "status.page";
/** The mean of this many last steps is the run's last loss: one step is noise. */
const LAST_STEPS = 10;

/**
 * `childModule` is the program of the training process: it joins this stage's loop with the loader, which a stage may not
 * do itself. `rankModule` is that of each process where each is a rank.
 */
export function createTrainStage(
  childModule: URL,
  rankModule: URL = new URL("training-rank.js", childModule),
): Stage<TrainConfig> {
  const programs = { child: childModule, rank: rankModule };
  return {
    name: "train",
    version: 1,
    schema: trainSchema,
    async check(config) {
      await resolveTraining(config);
      requireDevice(config.device);
    },
    configFiles({ model, init }) {
      const file = modelFile(model);
      return [...(file === undefined ? [] : [file]), ...(init === undefined ? [] : [initFile(init)])];
    },
    checkInputs: (inputs) => void findManifest(inputs),
    phases: [
      { name: "steps", kind: "process", run: (context, report, signal) => train(programs, context, report, signal) },
    ],
    dataOutputs: (_dir, outputs) => outputs.filter(({ path }) => [STATE_NAME, WEIGHTS_NAME].includes(basename(path))),
    runtimeKeys: ["launch", "threads", "recompute", "checkpointEvery", "keepCheckpoints"],
    // A checkpoint that does not fit what these lead to (a schedule over other steps) is refused with the difference.
    continuationKeys: ["steps", "decaySteps", "device", "tp", "dp", "verifyParallel", "evalEvery", "evalTokens"],
  };
}

async function train(
  programs: { readonly child: URL; readonly rank: URL },
  context: PhaseContext<TrainConfig>,
  report: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<TaskResult> {
  const { training, run } = await resolveTraining(context.config);
  const root = join(context.dir, CHECKPOINTS_NAME);
  const launched = takeLaunchedRanks(run.tp * run.dp, run.launch);
  const isOfProcesses = run.launch !== undefined || launched !== undefined;
  // Memory that several processes map is shared on one machine alone: their pages lie where that is all that sees them.
  const statusFolder = isOfProcesses ? await mkdtemp(join(tmpdir(), "millrace-status-")) : undefined;
  const statusPath = join(statusFolder ?? context.workDir, STATUS_NAME);
  const job: TrainJob = {
    kind: "train",
    dir: context.dir,
    manifest: findManifest(context.inputs),
    statusPath,
    isLaunched: launched !== undefined,
    training,
    run,
  };
  const lastCheckpoint = (await listCheckpoints(root)).at(-1);
  let checkpoint = lastCheckpoint === undefined ? undefined : basename(lastCheckpoint);
  const progress = new TrainProgress(run.steps, report);
  const outcome = await supervise<TrainJob, TrainMessage, TrainOutcome>({
    module: run.launch === undefined ? programs.child : programs.rank,
    processes: isOfProcesses ? { command: run.launch, numRanks: run.tp * run.dp } : undefined,
    job,
    statusPath,
    signal,
    onMessage: (message) => {
      if (message.type === "saved") checkpoint = message.name;
      else progress.take(message);
    },
    hint: () =>
      checkpoint === undefined
        ? "there is no checkpoint yet: the same command starts again from step 0"
        : `${join(root, checkpoint)} is whole: the same command goes on from it`,
  }).finally(() => statusFolder !== undefined && rm(statusFolder, { recursive: true, force: true }));
  if (outcome.interrupted) {
    throw new MillraceError(
      "interrupted",
      `training was interrupted after step ${outcome.step}; the checkpoint is ${outcome.checkpoint}`,
      {
        stage: "train",
        hint: "the same command continues it",
      },
    );
  }
  return resultOf(context.dir, outcome);
}

function findManifest(inputs: readonly FileRef[]): string {
  const manifest = inputs.find(({ path }) => basename(path) === MANIFEST_FILE);
  if (manifest !== undefined) return manifest.path;
  throw invalid(
    "config-shards",
    `expected the ${MANIFEST_FILE} of shards among the inputs of train, got ${inputs.length} other files`,
    {
      hint: "run `millrace shard` first and give its folder",
    },
  );
}

async function resultOf(dir: string, outcome: TrainOutcome): Promise<TaskResult> {
  const paths = [join(dir, METRICS_NAME), join(outcome.checkpoint, STATE_NAME), join(outcome.checkpoint, WEIGHTS_NAME)];
  const outputs: FileRef[] = [];
  for (const path of paths) outputs.push({ path, ...(await digestFile(path)) });
  const lines = await readMetrics(paths[0]!);
  return { outputs, counts: countsOf(lines), data: { backend: outcome.backend } };
}

/** Figures that are no numbers (a diverged run) are left out. */
function countsOf(lines: readonly MetricsLine[]): Record<string, number> {
  const lastLosses = lines.slice(-LAST_STEPS).map(({ loss }) => loss);
  const lastLoss = lastLosses.every((loss) => loss !== null)
    ? lastLosses.reduce((sum, loss) => sum + loss, 0) / lastLosses.length
    : null;
  const figures: Record<string, number | null | undefined> = {
    steps: lines.length,
    tokens_trained: lines.reduce((sum, { tokens }) => sum + tokens, 0),
    steps_skipped: lines.filter(({ skipped }) => skipped === true).length,
    first_loss: lines[0]?.loss,
    last_loss: lastLoss,
    heldout_loss: lines.at(-1)?.heldout_loss,
  };
  return Object.fromEntries(
    Object.entries(figures).filter((entry): entry is [string, number] => Number.isFinite(entry[1])),
  );
}

/** What the child says, as the conductor's progress. */
class TrainProgress {
  readonly #steps: number;
  readonly #report: (progress: Progress) => void;
  #done = 0;
  #note = "";

  constructor(steps: number, report: (progress: Progress) => void) {
    this.#steps = steps;
    this.#report = report;
  }

  take(message: Exclude<TrainMessage, { type: "saved" }>): void {
    if (message.type === "step") {
      const { step, loss, tokens_per_s, heldout_loss } = message.line;
      this.#done = step;
      const heldOut = typeof heldout_loss === "number" ? `, held-out ${heldout_loss.toFixed(3)}` : "";
      this.#say(
        `loss ${loss?.toFixed(3) ?? "not finite"}${heldOut}, ${Math.round(tokens_per_s).toLocaleString("en-US")} tokens/s${this.#note}`,
      );
    } else if (message.type === "started") {
      this.#done = message.step;
      if (message.backend === "reference") this.#note = " (slow: reference backend, no BLAS library in this build)";
      const from = message.step === 0 ? "from the beginning" : `from the checkpoint of step ${message.step}`;
      this.#say(`training ${from} on the ${message.backend} backend${this.#note}`);
    } else {
      this.#say(message.text);
    }
  }

  #say(message: string): void {
    this.#report({ done: this.#done, total: this.#steps, unit: "steps", message });
  }
}
