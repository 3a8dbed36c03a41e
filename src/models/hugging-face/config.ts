// The config.json of a Hugging Face GPT2LMHeadModel, to and from the sizes of a model here. What the model here cannot do
// alike (another attention scale, another feed-forward width, an untied head) is refused by its key.
import { invalid } from "../../base/errors.js";
import { z } from "../../base/schema.js";
import type { ModelConfig } from "../config.js";
import { completeModel } from "../resolve.js";

export const CONFIG_NAME = "config.json";

/** Their names of the two forms of GELU: the tanh formula, and the one by the error function. */
const GELU_FORMS: Readonly<Record<string, ModelConfig["gelu"]>> = {
  gelu_new: "tanh",
  gelu_fast: "tanh",
  gelu_pytorch_tanh: "tanh",
  gelu: "erf",
  gelu_python: "erf",
};

/** Absent keys mean what they mean to GPT2Config. Keys that do not change the model's function are not looked at. */
const schema = z.object({
  model_type: z.literal("gpt2"),
  vocab_size: z.int().positive().default(50_257),
  n_positions: z.int().positive().default(1024),
  n_embd: z.int().positive().default(768),
  n_layer: z.int().positive().default(12),
  n_head: z.int().positive().default(12),
  n_inner: z.int().positive().nullish(),
  activation_function: z.enum(Object.keys(GELU_FORMS) as [string, ...string[]]).default("gelu_new"),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  scale_attn_weights: z.literal(true).default(true),
  scale_attn_by_inverse_layer_idx: z.literal(false).default(false),
  add_cross_attention: z.literal(false).default(false),
  tie_word_embeddings: z.literal(true).default(true),
});

/** Throws `config-import` naming `file` and the key at fault. */
export function modelOfConfig(config: unknown, file: string): ModelConfig {
  const parsed = schema.safeParse(config);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    const key = path.join(".");
    const what = key === "" ? "the configuration" : key;
    throw refuse(`expected the configuration of a GPT2LMHeadModel, got a fault at ${what}: ${message}`, file);
  }
  const { data } = parsed;
  const model = completeModel(
    {
      numLayers: data.n_layer,
      hiddenSize: data.n_embd,
      numHeads: data.n_head,
      contextLength: data.n_positions,
      vocabSize: data.vocab_size,
      gelu: GELU_FORMS[data.activation_function],
      layernormEpsilon: data.layer_norm_epsilon,
    },
    file,
  );
  if (data.n_inner != null && data.n_inner !== 4 * model.hiddenSize) {
    throw refuse(`expected null or 4 * n_embd (${4 * model.hiddenSize}) for n_inner, got ${data.n_inner}`, file);
  }
  return model;
}

function refuse(message: string, file: string) {
  return invalid("config-import", message, {
    where: { file },
    hint: "GPT-2 models with a language-model head are what can be imported",
  });
}

/** `endOfDocumentId` is what generation stops at. Their head has one row an id: the padding of ours is left out. */
export function configOfModel(model: ModelConfig, dropout: number, endOfDocumentId: number): Record<string, unknown> {
  return {
    activation_function: model.gelu === "tanh" ? "gelu_new" : "gelu",
    architectures: ["GPT2LMHeadModel"],
    attn_pdrop: dropout,
    bos_token_id: endOfDocumentId,
    embd_pdrop: dropout,
    eos_token_id: endOfDocumentId,
    layer_norm_epsilon: model.layernormEpsilon,
    model_type: "gpt2",
    n_embd: model.hiddenSize,
    n_head: model.numHeads,
    n_inner: null,
    n_layer: model.numLayers,
    n_positions: model.contextLength,
    resid_pdrop: dropout,
    tie_word_embeddings: true,
    torch_dtype: "float32",
    vocab_size: model.vocabSize,
  };
}
