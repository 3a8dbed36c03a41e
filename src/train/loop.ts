// The loop in the training process: moves batches, metrics, signals and checkpoint requests. All that changes the model
// happens in native/train; who is dead or hung is the supervisor's to say.
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { JobContext } from "../base/child.js";
import { invalid } from "../base/errors.js";
import {
  type Checkpoint,
  describeDifferences,
  newestCheckpoint,
  pruneCheckpoints,
  WEIGHTS_NAME,
} from "../formats/checkpoint.js";
import { finiteOrNull, type MetricsLine } from "../formats/metrics.js";
import { HostRow, statusPageBytes, writeStatusHeader } from "../formats/status-page.js";
import { backendOf, heldOutLoss } from "../models/index.js";
import type { Backend, NativeTrainer, StepResult } from "../native/trainer.js";
import { native } from "../native.js";
import type { BatchSource, DatasetIdentity, TokenDataset } from "../records/batch.js";
import type { Unsealed } from "./checkpoint-writer.js";
import { type ResolvedTraining, type TrainingRun, trainerConfig } from "./config.js";
import { checkInitTokenizer } from "./initial-weights.js";
import { type Processes, statusPathOf } from "./processes.js";
import { CHECKPOINTS_NAME, openRecords, partnerRecords, type RunRecords } from "./run-records.js";
import { takeSteps } from "./steps-ahead.js";

const TICK_EVERY_MS = 200;

export interface TrainJob {
  readonly kind: "train";
  /** Gets metrics.jsonl and checkpoints/. */
  readonly dir: string;
  /** manifest.json of the shards. */
  readonly manifest: string;
  /** Where ranks are processes: of the pages of all, see statusPathOf. */
  readonly statusPath: string;
  /** Ranks are processes that a launcher started with the command itself: whoever is first tells the others. */
  readonly isLaunched?: boolean;
  readonly training: ResolvedTraining;
  readonly run: TrainingRun;
}

export type TrainMessage =
  | { readonly type: "started"; readonly step: number; readonly backend: Backend }
  | { readonly type: "step"; readonly line: MetricsLine }
  /** A checkpoint stands under this name. */
  | { readonly type: "saved"; readonly name: string }
  | { readonly type: "notice"; readonly text: string };

/** A step on its way: how long its batch was waited for, and whether the step before was still under way. */
interface Submitted {
  readonly waitMs: number;
  readonly behind: boolean;
}

export interface TrainOutcome {
  readonly step: number;
  readonly backend: Backend;
  /** The folder of the last checkpoint, of this very step; in a process that writes none maybe "". */
  readonly checkpoint: string;
  /** Stopped before the last step because it was asked to. */
  readonly interrupted: boolean;
}

/** Ranks are threads of this process; or processes, of which this is one, and then this runs in all of them alike. */
export interface TrainContext extends JobContext {
  readonly processes?: Processes;
}

export async function runTraining(job: TrainJob, dataset: TokenDataset, context: TrainContext): Promise<TrainOutcome> {
  const { training, run } = job;
  const { processes } = context;
  const post = (message: TrainMessage) => context.post(message);
  const numRanks = processes === undefined ? run.tp * run.dp : 1;
  const statusPath = processes === undefined ? job.statusPath : statusPathOf(job.statusPath, processes.place.rank);
  await mkdir(dirname(statusPath), { recursive: true });
  const page = native().mapFileWritable(statusPath, statusPageBytes(numRanks));
  writeStatusHeader(page, numRanks, process.pid);
  const host = new HostRow(page, numRanks);
  host.set("idle", "reading checkpoints", 0);
  const ticker = setInterval(() => host.tick(), TICK_EVERY_MS);

  checkVocabulary(dataset, training);
  if (run.init !== undefined) checkInitTokenizer(run.init, dataset);
  const checkpoint = await agreeOn(processes, () => findCheckpoint(job, dataset, post));
  const backend = backendOf(run.device);
  host.set("idle", "creating the trainer", 0);
  const trainer = native().createTrainer(trainerConfig(training, run, backend, processes !== undefined), page);
  try {
    if (checkpoint !== undefined) {
      host.set("idle", "loading the checkpoint", checkpoint.state.step);
      await trainer.load(join(checkpoint.dir, WEIGHTS_NAME));
    } else if (run.init !== undefined) {
      host.set("idle", "loading the model to start from", 0);
      await trainer.load(run.init.path);
    }
    return await new Loop(job, dataset, trainer, host, backend, context).run(checkpoint);
  } finally {
    clearInterval(ticker);
    trainer.destroy();
  }
}

/** What `find` finds in the one process, or in the first of several: it alone looks, and may tidy up. */
async function agreeOn<T>(
  processes: Processes | undefined,
  find: () => Promise<T | undefined>,
): Promise<T | undefined> {
  if (processes === undefined) return find();
  return (await processes.tell(processes.isFirst ? await find() : undefined)) ?? undefined;
}

function checkVocabulary(dataset: TokenDataset, training: ResolvedTraining): void {
  if (dataset.vocabSize <= training.model.vocabSize) return;
  throw invalid(
    "config-model",
    `expected at least ${dataset.vocabSize} for vocabSize (the shards' tokenizer), got ${training.model.vocabSize}`,
  );
}

function identityOf({ identity, orderVersion, tokenizer, vocabSize }: DatasetIdentity): DatasetIdentity {
  return { identity, orderVersion, tokenizer, vocabSize };
}

/** What a tokenizer is called, and where its files lie, may change. */
function comparable(dataset: DatasetIdentity): unknown {
  return { ...identityOf(dataset), tokenizer: dataset.tokenizer.fingerprint };
}

async function findCheckpoint(
  job: TrainJob,
  dataset: TokenDataset,
  post: (message: TrainMessage) => void,
): Promise<Checkpoint<ResolvedTraining> | undefined> {
  const root = join(job.dir, CHECKPOINTS_NAME);
  await pruneCheckpoints(root, Number.MAX_SAFE_INTEGER, 0);
  const checkpoint = await newestCheckpoint<ResolvedTraining>(root, (error) =>
    post({ type: "notice", text: `skipped: ${error.message}` }),
  );
  if (checkpoint === undefined) return undefined;
  const { state, dir } = checkpoint;
  const differences = describeDifferences(
    { dataset: comparable(state.dataset), training: state.training },
    { dataset: comparable(dataset), training: job.training },
  );
  if (state.step > job.run.steps) differences.push(`step: ${state.step} -> at most ${job.run.steps}`);
  if (differences.length > 0) {
    throw invalid(
      "checkpoint-mismatch",
      `expected the dataset and configuration of ${dir} to go on from it, got ${differences.join("; ")}`,
      {
        hint: `put these back (decaySteps: ${state.training.decaySteps} keeps the schedule of a longer run), or start anew in another folder`,
      },
    );
  }
  // This one is whole: older ones that are no longer wanted may make the room for the next.
  await pruneCheckpoints(root, job.run.keepCheckpoints, state.step);
  return checkpoint;
}

class Loop {
  readonly #job: TrainJob;
  readonly #dataset: TokenDataset;
  readonly #trainer: NativeTrainer;
  readonly #host: HostRow;
  readonly #backend: Backend;
  readonly #context: TrainContext;
  #nextSample = 0;
  /** Where ranks are processes: what the first of them said after the last step. */
  #toldToStop = false;

  constructor(
    job: TrainJob,
    dataset: TokenDataset,
    trainer: NativeTrainer,
    host: HostRow,
    backend: Backend,
    context: TrainContext,
  ) {
    this.#job = job;
    this.#dataset = dataset;
    this.#trainer = trainer;
    this.#host = host;
    this.#backend = backend;
    this.#context = context;
  }

  async run(checkpoint: Checkpoint<ResolvedTraining> | undefined): Promise<TrainOutcome> {
    const { training, run, dir } = this.#job;
    let step = checkpoint?.state.step ?? 0;
    let savedStep = checkpoint?.state.step;
    this.#nextSample = checkpoint?.state.nextSample ?? 0;
    this.#host.set("idle", "memory for checkpoints", step);
    const snapshot = await this.#trainer.createSnapshot();
    this.#post({ type: "started", step, backend: this.#backend });
    const onSaved = (name: string) => this.#post({ type: "saved", name });
    const records =
      this.#context.processes?.isFirst === false
        ? partnerRecords<ResolvedTraining>(snapshot)
        : await openRecords<ResolvedTraining>(snapshot, { dir, step, keepCheckpoints: run.keepCheckpoints, onSaved });
    const batches = await this.#dataset.openBatches({
      sequenceLength: training.sequenceLength,
      globalBatch: training.globalBatch,
      seed: training.seed,
      firstSample: this.#nextSample,
    });
    try {
      await this.#agreeToStop();
      const steps = takeSteps<Submitted, MetricsLine>({
        taken: step,
        last: run.steps,
        ahead: this.#trainer.stepsAhead(),
        isBoundary: (number) => this.#isBoundary(number),
        isStopped: () => this.#isStopped(),
        submit: (number, behind) => this.#submit(number, batches, behind),
        collect: (number, submitted) => this.#collect(number, submitted),
      });
      for await (const { step: number, result: line, isFinal } of steps) {
        step = number;
        const due = isFinal || isDue(step, run.checkpointEvery, run.steps);
        const stoodMs = due ? await this.#copyState(step, records) : undefined;
        await records.append(stoodMs === undefined ? line : { ...line, checkpoint_ms: stoodMs });
        this.#post({ type: "step", line });
        if (due) {
          records.write(this.#stateOf(step));
          savedStep = step;
        }
        records.check();
      }
      // Asked to stop between two steps, or before the first.
      if (savedStep !== step) {
        await this.#copyState(step, records);
        records.write(this.#stateOf(step));
      }
      this.#host.set("idle", "writing the last checkpoint", step);
      const last = (await records.finish()) ?? checkpoint;
      return { step, backend: this.#backend, checkpoint: last?.dir ?? "", interrupted: step < run.steps };
    } finally {
      await batches.close();
      await records.close();
      snapshot.destroy();
    }
  }

  #post(message: TrainMessage): void {
    this.#context.post(message);
  }

  /** Whether the trainer's state is read after this step. */
  #isBoundary(step: number): boolean {
    const { run } = this.#job;
    return isDue(step, run.checkpointEvery, run.steps) || isDue(step, run.evalEvery, run.steps);
  }

  async #submit(step: number, batches: BatchSource, behind: boolean): Promise<Submitted> {
    this.#host.set("computing", "waiting for a batch", step);
    const start = performance.now();
    const batch = await batches.next();
    const waitMs = performance.now() - start;
    this.#host.set("computing", "step", step);
    try {
      await withAdvice(this.#trainer.submit(batch.tokens, batch.samples));
    } finally {
      batch.release();
    }
    return { waitMs, behind };
  }

  async #collect(step: number, submitted: Submitted): Promise<MetricsLine> {
    const { run, training } = this.#job;
    this.#host.set("computing", "step", step);
    const result = await withAdvice(this.#trainer.collect());
    this.#nextSample += training.globalBatch;
    this.#noteSkipped(step, result);
    const heldOut = isDue(step, run.evalEvery, run.steps) ? await this.#measureHeldOut(step) : undefined;
    await this.#agreeToStop();
    return metricsLine(step, result, submitted, heldOut);
  }

  #isStopped(): boolean {
    return this.#context.processes === undefined ? this.#context.signal.aborted : this.#toldToStop;
  }

  /** All processes take the same steps: the first, which hears the wish to stop, tells the others between two. */
  async #agreeToStop(): Promise<void> {
    const { processes, signal } = this.#context;
    if (processes !== undefined) this.#toldToStop = await processes.tell(signal.aborted);
  }

  #noteSkipped(step: number, { overflow, lossScale }: StepResult): void {
    if (overflow === null) return;
    this.#post({
      type: "notice",
      text: `step ${step} updated nothing: its gradient was not finite at loss scale ${lossScale}; first in ${overflow}`,
    });
  }

  /** Mean over the held-out targets, nats; undefined when nothing is held out. */
  async #measureHeldOut(step: number): Promise<number | undefined> {
    const { training, run } = this.#job;
    this.#host.set("computing", "held-out loss", step);
    const batches = this.#dataset.heldOut({
      sequenceLength: training.sequenceLength,
      maxTokens: run.evalTokens,
      sequencesPerBatch: training.microBatch * run.dp,
    });
    return heldOutLoss(this.#trainer, batches);
  }

  /** How long training stood still for it, in milliseconds. */
  async #copyState(step: number, records: RunRecords<ResolvedTraining>): Promise<number> {
    const start = performance.now();
    this.#host.set("idle", "copying the state for a checkpoint, or waiting for the one before", step);
    await records.take();
    return round(performance.now() - start);
  }

  #stateOf(step: number): Unsealed<ResolvedTraining> {
    const { training } = this.#job;
    return { step, nextSample: this.#nextSample, dataset: identityOf(this.#dataset), training };
  }
}

async function withAdvice<T>(half: Promise<T>): Promise<T> {
  try {
    return await half;
  } catch (error) {
    throw (error as { code?: unknown }).code === "native-diverged" ? diverged(error as Error) : error;
  }
}

function diverged(cause: Error): Error {
  return invalid("train-diverged", cause.message, {
    hint: "lower learningRate, lengthen warmupSteps or lower clipNorm; in fp16 try bf16; the last checkpoint is from before",
    cause,
  });
}

/** The last step always; every 0 steps means that one only. */
function isDue(step: number, every: number, last: number): boolean {
  return step === last || (every > 0 && step % every === 0);
}

function metricsLine(step: number, result: StepResult, submitted: Submitted, heldOut: number | undefined): MetricsLine {
  const stepMs = result.seconds * 1000;
  // Behind another, a step's time counts from the end of that one, so it holds what was waited for since.
  const { waitMs, behind } = submitted;
  const wholeMs = behind ? stepMs : stepMs + waitMs;
  return {
    step,
    loss: finiteOrNull(result.loss),
    grad_norm: finiteOrNull(result.gradNorm),
    lr: result.learningRate,
    loss_scale: result.lossScale,
    tokens: result.numTokens,
    tokens_per_s: round(result.numTokens / (wholeMs / 1000)),
    step_ms: round(stepMs),
    communication_ms: round(result.communicationSeconds * 1000),
    data_wait_ms: round(waitMs),
    ...(result.skipped ? { skipped: true as const } : {}),
    ...(result.overflow === null ? {} : { overflow: result.overflow }),
    ...(heldOut === undefined ? {} : { heldout_loss: finiteOrNull(heldOut) }),
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
