// The stage that says what a trained model is worth: held-out loss and perplexity, the unigram entropy to compare them
// with, and a sample of its text. Native code runs in a process of its own.
import { basename, dirname, join } from "node:path";
import { writeFileAtomic } from "../base/atomic.js";
import { type ChildEnd, startChild } from "../base/child.js";
import { invalid, MillraceError } from "../base/errors.js";
import { z } from "../base/schema.js";
import { STATE_NAME } from "../formats/checkpoint.js";
import { MANIFEST_FILE } from "../formats/manifest.js";
import { DEVICES, requireDevice } from "../models/index.js";
import type { FileRef, PhaseContext, Progress, Stage, TaskResult } from "../records/stage.js";
import { generateDefaults } from "./generate.js";
import type { EvaluateJob, EvaluateMessage, Evaluation } from "./measure.js";

export { type Generated, type GenerateOptions, generate, generateDefaults, openCheckpoint } from "./generate.js";
export { type EvaluateJob, runEvaluation } from "./measure.js";

export const evaluateSchema = z.strictObject({
  /** At most this many held-out targets. */
  evalTokens: z.int().positive().default(262_144),
  /** Of the sample; empty: a document from its beginning. */
  prompt: z.string().default(""),
  maxTokens: z.int().positive().default(generateDefaults.maxTokens),
  greedy: z.boolean().default(generateDefaults.greedy),
  temperature: z.number().positive().default(generateDefaults.temperature),
  /** 0: all. */
  topK: z.int().nonnegative().default(generateDefaults.topK),
  topP: z.number().positive().max(1).default(generateDefaults.topP),
  seed: z.int().nonnegative().default(generateDefaults.seed),
  /** 0: one a processor. */
  threads: z.int().nonnegative().default(0),
  /** cpu when absent. */
  device: z.enum(DEVICES).optional(),
});

export type EvaluateConfig = z.output<typeof evaluateSchema>;

const EVAL_NAME = "eval.json";
const SAMPLE_NAME = "sample.txt";

/** `childModule`: as for the train stage. */
export function createEvaluateStage(childModule: URL): Stage<EvaluateConfig> {
  return {
    name: "evaluate",
    version: 1,
    schema: evaluateSchema,
    async check({ device = "cpu" }) {
      requireDevice(device);
    },
    checkInputs: (inputs) => void jobInputs(inputs),
    phases: [
      {
        name: "measure",
        kind: "process",
        run: (context, report, signal) => evaluate(childModule, context, report, signal),
      },
    ],
    dataOutputs: (_dir, outputs) => outputs,
    runtimeKeys: ["threads"],
  };
}

async function evaluate(
  childModule: URL,
  context: PhaseContext<EvaluateConfig>,
  report: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<TaskResult> {
  const job: EvaluateJob = {
    kind: "evaluate",
    ...jobInputs(context.inputs),
    options: context.config,
  };
  const child = startChild<EvaluateJob, EvaluateMessage, Evaluation>(childModule, job, report);
  // Nothing here is worth finishing: an evaluation starts over.
  const abort = () => child.kill();
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  const end = await child.ended;
  signal.removeEventListener("abort", abort);
  if (end.kind === "result") return writeResult(context.dir, end.result);
  throw signal.aborted
    ? new MillraceError("interrupted", "the evaluation was interrupted", { stage: "evaluate" })
    : failure(end);
}

function failure(end: Exclude<ChildEnd<never>, { kind: "result" }>): Error {
  if (end.kind === "error") return end.error;
  const how = end.signal === null ? `exited with code ${end.code}` : `was ended by ${end.signal}`;
  return invalid(
    "evaluate-process-lost",
    `the evaluating process ${how}${end.stderr === "" ? "" : `; it said: ${end.stderr}`}`,
    {
      stage: "evaluate",
    },
  );
}

function jobInputs(inputs: readonly FileRef[]): Pick<EvaluateJob, "checkpoint" | "manifest"> {
  return {
    checkpoint: dirname(findInput(inputs, STATE_NAME, "checkpoint")),
    manifest: findInput(inputs, MANIFEST_FILE, "shards"),
  };
}

/** Of several checkpoints the last, which is the newest: inputs come in order of name. */
function findInput(inputs: readonly FileRef[], name: string, what: string): string {
  const found = inputs.findLast(({ path }) => basename(path) === name);
  if (found !== undefined) return found.path;
  throw invalid(
    "config-evaluate",
    `expected the ${name} of a ${what} folder among the inputs of eval, got ${inputs.length} other files`,
  );
}

async function writeResult(dir: string, evaluation: Evaluation): Promise<TaskResult> {
  const { sample, ...figures } = evaluation;
  const outputs = [
    await writeFileAtomic(join(dir, EVAL_NAME), `${JSON.stringify({ ...figures, sample }, null, 2)}\n`),
    await writeFileAtomic(join(dir, SAMPLE_NAME), `${sample.prompt}${sample.text}\n`),
  ];
  const counts = {
    heldout_loss: figures.heldout_loss,
    perplexity: figures.perplexity,
    unigram_entropy: figures.unigram_entropy,
  };
  const numbers = Object.entries(counts).filter((entry): entry is [string, number] => Number.isFinite(entry[1]));
  return { outputs, counts: Object.fromEntries(numbers) };
}
