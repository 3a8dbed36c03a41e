// The child's side of evaluation: loads the checkpoint once and measures, then lets it write.
import type { JobContext } from "../base/child.js";
import { invalid } from "../base/errors.js";
import { type Device, heldOutLoss } from "../models/index.js";
import type { TokenDataset } from "../records/batch.js";
import type { Progress } from "../records/stage.js";
import { generateWith, loadModel, openCheckpoint } from "./generate.js";

/** Sequences at a time: enough for full matrix tiles. */
const BATCH = 4;

export interface EvaluateJob {
  readonly kind: "evaluate";
  readonly checkpoint: string;
  readonly manifest: string;
  readonly options: {
    readonly evalTokens: number;
    readonly prompt: string;
    readonly maxTokens: number;
    readonly greedy: boolean;
    readonly temperature: number;
    readonly topK: number;
    readonly topP: number;
    readonly seed: number;
    readonly threads: number;
    readonly device?: Device | undefined;
  };
}

export type EvaluateMessage = Progress;

export interface Evaluation {
  readonly step: number;
  /** Mean over the held-out targets, nats; null when nothing is held out. */
  readonly heldout_loss: number | null;
  readonly perplexity: number | null;
  readonly heldout_tokens: number;
  readonly unigram_entropy: number | null;
  readonly sample: {
    readonly prompt: string;
    readonly text: string;
    readonly tokens: number;
    readonly ended: boolean;
    readonly tokens_per_s: number;
  };
}

export async function runEvaluation(job: EvaluateJob, dataset: TokenDataset, context: JobContext): Promise<Evaluation> {
  const { options } = job;
  const checkpoint = await openCheckpoint(job.checkpoint);
  const { state } = checkpoint;
  if (state.dataset.tokenizer.fingerprint !== dataset.tokenizer.fingerprint) {
    throw invalid(
      "config-evaluate",
      `expected shards made with the checkpoint's tokenizer (${state.dataset.tokenizer.name}), got ${dataset.tokenizer.name}`,
    );
  }
  const report = (progress: Progress) => context.post(progress);
  const { sequenceLength } = state.training;
  const total = Math.min(options.evalTokens, dataset.numHeldOutTokens);
  report({ done: 0, total, unit: "tokens", message: `measuring the checkpoint of step ${state.step}` });
  const trainer = await loadModel(checkpoint, {
    threads: options.threads,
    batch: BATCH,
    device: options.device ?? "cpu",
  });
  try {
    let heldOutTokens = 0;
    const batches = dataset.heldOut({ sequenceLength, maxTokens: options.evalTokens, sequencesPerBatch: BATCH });
    const loss = await heldOutLoss(trainer, batches, (done) => {
      heldOutTokens = done;
      report({ done, total: Math.max(done, total), unit: "tokens" });
    });
    report({ done: heldOutTokens, total: heldOutTokens, unit: "tokens", message: "writing a sample" });
    const sample = await generateWith(trainer, checkpoint, { ...options, signal: context.signal });
    return {
      step: state.step,
      heldout_loss: loss ?? null,
      perplexity: loss === undefined ? null : Math.exp(loss),
      heldout_tokens: heldOutTokens,
      unigram_entropy: dataset.numHeldOutTokens === 0 ? null : await dataset.unigramEntropy(),
      sample: {
        prompt: sample.prompt,
        text: sample.text,
        tokens: sample.numTokens,
        ended: sample.ended,
        tokens_per_s: Math.round((sample.numTokens / sample.seconds) * 10) / 10,
      },
    };
  } finally {
    trainer.destroy();
  }
}
