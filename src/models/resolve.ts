// From what a user may say (a name, a file, sizes) to a model that can be built, or one sentence about why not.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { invalid } from "../base/errors.js";
import type { z } from "../base/schema.js";
import { type ModelConfig, modelSchema, namedModels, padVocab } from "./config.js";

export type ModelSizes = z.input<typeof modelSchema>;

/** The file, absolute, that `model` is the path of; undefined for a name or sizes. */
export function modelFile(model: string | ModelSizes): string | undefined {
  if (typeof model !== "string" || Object.hasOwn(namedModels, model) || !/[./\\]/.test(model)) return undefined;
  return resolve(model);
}

/** `model`: a name of `namedModels`, the path of a JSON file with sizes, or the sizes. */
export async function resolveModel(model: string | ModelSizes): Promise<ModelConfig> {
  if (typeof model !== "string") return completeModel(model, "model");
  const named = Object.hasOwn(namedModels, model) ? namedModels[model] : undefined;
  if (named !== undefined) return named;
  const file = modelFile(model);
  if (file === undefined) {
    throw invalid(
      "config-model",
      `expected ${Object.keys(namedModels).join(", ")} or a JSON file for model, got "${model}"`,
    );
  }
  return completeModel(await readModelFile(file), model);
}

async function readModelFile(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw invalid("config-model", `expected a model's name or a readable JSON file for model, got "${path}"`, {
      cause,
    });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw invalid("config-model", `expected JSON with the sizes of a model in ${path}, got something else`, {
      where: { file: path },
      hint: `start from ${JSON.stringify({ numLayers: 4, hiddenSize: 128, numHeads: 8, contextLength: 128 })}`,
      cause,
    });
  }
}

/** `origin` names the place in messages. */
export function completeModel(sizes: unknown, origin: string): ModelConfig {
  const parsed = modelSchema.safeParse(sizes);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const key = issue.path.join(".");
    throw invalid(
      "config-model",
      `expected the sizes of a model in ${origin}, got a fault${key === "" ? "" : ` at "${key}"`}: ${issue.message}`,
    );
  }
  const { paddedVocabSize, ...rest } = parsed.data;
  const model: ModelConfig = { ...rest, paddedVocabSize: paddedVocabSize ?? padVocab(rest.vocabSize) };
  requireMultiple(model.hiddenSize, model.numHeads, `${origin}: hiddenSize`, "numHeads");
  if (model.paddedVocabSize < model.vocabSize) {
    throw refuse(`at least vocabSize (${model.vocabSize})`, `${origin}: paddedVocabSize`, model.paddedVocabSize);
  }
  return model;
}

export interface Layout {
  readonly tp: number;
  readonly dp: number;
  readonly verifyParallel: boolean;
  readonly microBatch: number;
  readonly globalBatch: number;
  readonly sequenceLength: number;
}

/** As native/api/trainer_config.cc has it. */
const MOST_RANKS = 1024;

/** What must divide before anything is allocated. Checked again, in full, by the native side. */
export function checkLayout(model: ModelConfig, layout: Layout): void {
  const { tp, dp, verifyParallel, microBatch, globalBatch, sequenceLength } = layout;
  requireMultiple(model.numHeads, tp, "numHeads", "tp");
  if (tp * dp > MOST_RANKS) throw refuse(`at most ${MOST_RANKS} (ranks of one process)`, "tp * dp", tp * dp);
  requireMultiple(model.paddedVocabSize, 128 * tp, "paddedVocabSize", "128 * tp");
  if (verifyParallel) checkVerification(model, tp);
  requireMultiple(globalBatch, microBatch * dp, "globalBatch", "microBatch * dp");
  if (sequenceLength > model.contextLength) {
    throw refuse(`at most the model's contextLength (${model.contextLength})`, "sequenceLength", sequenceLength);
  }
}

/** Shards to verify with: the largest power of two, at most 8, that divides the heads. As native/model/shards.h has it. */
function verifyShards(model: ModelConfig): number {
  return [8, 4, 2].find((shards) => model.numHeads % shards === 0) ?? 1;
}

function checkVerification(model: ModelConfig, tp: number): void {
  const shards = verifyShards(model);
  if (shards % tp !== 0) {
    throw refuse(`a divisor of ${shards} (what ${model.numHeads} heads allow with verifyParallel)`, "tp", tp);
  }
  requireMultiple(model.paddedVocabSize, 128 * shards, "paddedVocabSize", "128 * the shards of verifyParallel");
}

function requireMultiple(value: number, divisor: number, name: string, divisorName: string): void {
  if (value % divisor !== 0) throw refuse(`a multiple of ${divisorName} (${divisor})`, name, value);
}

function refuse(expected: string, name: string, value: number) {
  return invalid("config-model", `expected ${expected} for ${name}, got ${value}`);
}
