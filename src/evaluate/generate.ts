// Continues a text with a trained model, one token at a time.
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { invalid } from "../base/errors.js";
import { type Checkpoint, listCheckpoints, readCheckpoint, STATE_NAME, WEIGHTS_NAME } from "../formats/checkpoint.js";
import { createInference, type Device, type ModelConfig, padVocab, requireDevice } from "../models/index.js";
import type { NativeTrainer } from "../native/trainer.js";
import { enginesOf, loadTokenizer, prepareTokenizers, type Tokenizer } from "../tokenizers/index.js";
import { type SamplingOptions, sampleToken, uniformAt } from "./sampling.js";

export interface GenerateOptions {
  /** A checkpoint's folder, or one of a training run: its newest checkpoint is used. */
  readonly checkpoint: string;
  /** Empty: a document from its beginning. */
  readonly prompt?: string | undefined;
  readonly maxTokens?: number | undefined;
  readonly greedy?: boolean | undefined;
  readonly temperature?: number | undefined;
  /** 0: all. */
  readonly topK?: number | undefined;
  readonly topP?: number | undefined;
  readonly seed?: number | undefined;
  /** 0: one a processor. */
  readonly threads?: number | undefined;
  /** cpu when absent. */
  readonly device?: Device | undefined;
  /** Gets the text as it grows, in whole characters. */
  readonly onText?: ((piece: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Generated {
  readonly prompt: string;
  /** Without the prompt. */
  readonly text: string;
  readonly numTokens: number;
  /** The model ended the document by itself. */
  readonly ended: boolean;
  readonly seconds: number;
}

export const generateDefaults = {
  maxTokens: 200,
  greedy: false,
  temperature: 0.8,
  topK: 50,
  topP: 1,
  seed: 1234,
  threads: 0,
} as const;

/** What of a checkpoint's training is needed to run its model. */
interface TrainedWith {
  readonly model: ModelConfig;
  readonly sequenceLength: number;
}

export async function generate(options: GenerateOptions): Promise<Generated> {
  const { device = "cpu", threads = generateDefaults.threads } = options;
  requireDevice(device);
  const checkpoint = await openCheckpoint(options.checkpoint);
  const trainer = await loadModel(checkpoint, { threads, batch: 1, device });
  try {
    return await generateWith(trainer, checkpoint, options);
  } finally {
    trainer.destroy();
  }
}

export async function openCheckpoint(path: string): Promise<Checkpoint<TrainedWith>> {
  const dir = basename(path) === STATE_NAME ? dirname(path) : path;
  for (const root of [dir, join(dir, "checkpoints"), join(dir, "train", "checkpoints")]) {
    const newest = (await listCheckpoints(root).catch(() => [])).at(-1);
    if (newest !== undefined) return readCheckpoint<TrainedWith>(newest);
  }
  if (![STATE_NAME, WEIGHTS_NAME].some((name) => existsSync(join(dir, name))))
    throw invalid("config-checkpoint", `expected a run, a training or a checkpoint at ${path}, found none`);
  return readCheckpoint<TrainedWith>(dir);
}

/** The model of a checkpoint on one rank, fit for evaluation and logits of up to `sequenceLength` tokens. */
export async function loadModel(
  { dir, state }: Checkpoint<TrainedWith>,
  { threads, batch, device }: { threads: number; batch: number; device: Device },
): Promise<NativeTrainer> {
  const { model, sequenceLength } = state.training;
  const complete = { ...model, paddedVocabSize: model.paddedVocabSize ?? padVocab(model.vocabSize) };
  const trainer = createInference(complete, { sequenceLength, batch, threads, device });
  try {
    await trainer.load(join(dir, WEIGHTS_NAME));
    return trainer;
  } catch (error) {
    trainer.destroy();
    throw error;
  }
}

export async function generateWith(
  trainer: Pick<NativeTrainer, "logits">,
  { state }: Checkpoint<TrainedWith>,
  options: Omit<GenerateOptions, "checkpoint" | "threads">,
): Promise<Generated> {
  const start = performance.now();
  const tokenizer = await tokenizerOf(state.dataset.tokenizer);
  const sampling = checkOptions(options);
  const maxTokens = options.maxTokens ?? generateDefaults.maxTokens;
  const seed = options.seed ?? generateDefaults.seed;
  const prompt = options.prompt ?? "";
  // A document follows the end of the one before.
  const ids = [tokenizer.endOfDocumentId, ...tokenizer.encode(prompt)];
  const numPrompt = ids.length;
  // What an id adds depends on those before it: it may end within a character, or begin with a space that a text's first
  // id has not. So all are decoded, and what may still change, an unfinished character at the end, waits.
  const decode = () => tokenizer.decode(ids.slice(1));
  const begin = decode().length;
  let text = "";
  const extend = (decoded: string) => {
    const piece = decoded.slice(begin + text.length);
    text += piece;
    if (piece !== "") options.onText?.(piece);
  };
  let ended = false;
  while (!ended && ids.length - numPrompt < maxTokens && options.signal?.aborted !== true) {
    const logits = await trainer.logits(Int32Array.from(ids.slice(-state.training.sequenceLength)));
    // A model may have more ids than the tokenizer that it was trained with: they stand for nothing.
    const id = sampleToken(logits.subarray(0, tokenizer.vocabSize), sampling, uniformAt(seed, ids.length));
    ended = id === tokenizer.endOfDocumentId;
    if (ended) break;
    ids.push(id);
    extend(decode().replace(/\ufffd+$/, ""));
  }
  extend(decode());
  return { prompt, text, numTokens: ids.length - numPrompt, ended, seconds: (performance.now() - start) / 1000 };
}

interface TrainedTokenizer {
  readonly name: string;
  readonly fingerprint: string;
}

/** By the engine that made the shards: the fingerprint tells. */
async function tokenizerOf({ name, fingerprint }: TrainedTokenizer): Promise<Tokenizer> {
  const found: string[] = [];
  for (const engine of enginesOf(name)) {
    await prepareTokenizers(engine);
    const tokenizer = loadTokenizer(name, engine);
    if (tokenizer.fingerprint === fingerprint) return tokenizer;
    found.push(tokenizer.fingerprint);
  }
  throw invalid(
    "config-tokenizer",
    `expected the tokenizer ${name} that the model was trained with (${fingerprint}), got ${found.join(", ")}`,
  );
}

function checkOptions(options: Omit<GenerateOptions, "checkpoint">): SamplingOptions {
  const { greedy, temperature, topK, topP } = generateDefaults;
  const sampling: SamplingOptions = {
    greedy: options.greedy ?? greedy,
    temperature: options.temperature ?? temperature,
    topK: options.topK ?? topK,
    topP: options.topP ?? topP,
  };
  require(sampling.temperature > 0, "a number above 0", "temperature", sampling.temperature);
  require(Number.isInteger(sampling.topK) && sampling.topK >= 0, "a whole number of at least 0", "topK", sampling.topK);
  require(sampling.topP > 0 && sampling.topP <= 1, "a number above 0 and at most 1", "topP", sampling.topP);
  const maxTokens = options.maxTokens ?? generateDefaults.maxTokens;
  require(Number.isInteger(maxTokens) && maxTokens > 0, "a whole number above 0", "maxTokens", maxTokens);
  return sampling;
}

function require(holds: boolean, expected: string, name: string, value: number): void {
  if (!holds) throw invalid("config-generate", `expected ${expected} for ${name}, got ${value}`);
}
