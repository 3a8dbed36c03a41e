// The tensors of a GPT2LMHeadModel beside ours. They are the same numbers under other names, but for the four matrices of a
// layer: theirs are (in, out) (the `Conv1D` of the first GPT-2 code), ours (out, in). Q, K and V lie in the same order, each
// head by head. docs/formats/hugging-face.md
import type { ModelConfig } from "../config.js";

/** What GPT2LMHeadModel puts before the names of GPT2Model; files of the bare model lack it. */
export const PREFIX = "transformer.";

export interface TensorPair {
  readonly ours: string;
  /** Without PREFIX. */
  readonly theirs: string;
  /** Of the tensor here; vectors have one extent. */
  readonly shape: readonly number[];
  /** Theirs has the two extents, and the values, the other way round. */
  readonly transposed: boolean;
}

export function tensorPairs(model: ModelConfig): TensorPair[] {
  const { hiddenSize: C, vocabSize, contextLength, numLayers } = model;
  const pairs: TensorPair[] = [];
  const add = (ours: string, theirs: string, shape: readonly number[], transposed = false) =>
    pairs.push({ ours, theirs, shape, transposed });
  add("wte.weight", "wte.weight", [vocabSize, C]);
  add("wpe.weight", "wpe.weight", [contextLength, C]);
  for (let layer = 0; layer < numLayers; layer++) {
    const linear = (ours: string, theirs: string, outputs: number, inputs: number) => {
      add(`h.${layer}.${ours}.weight`, `h.${layer}.${theirs}.weight`, [outputs, inputs], true);
      add(`h.${layer}.${ours}.bias`, `h.${layer}.${theirs}.bias`, [outputs]);
    };
    const norm = (name: string) => {
      add(`h.${layer}.${name}.weight`, `h.${layer}.${name}.weight`, [C]);
      add(`h.${layer}.${name}.bias`, `h.${layer}.${name}.bias`, [C]);
    };
    norm("ln_1");
    linear("attn.qkv", "attn.c_attn", 3 * C, C);
    linear("attn.out", "attn.c_proj", C, C);
    norm("ln_2");
    linear("mlp.up", "mlp.c_fc", 4 * C, C);
    linear("mlp.down", "mlp.c_proj", C, 4 * C);
  }
  add("ln_f.weight", "ln_f.weight", [C]);
  add("ln_f.bias", "ln_f.bias", [C]);
  return pairs;
}

export function theirShape({ shape, transposed }: TensorPair): readonly number[] {
  return transposed ? shape.toReversed() : shape;
}

/** Causal masks that older versions stored, and the head, which is tied to wte: nothing is lost without them. */
export function isRedundant(theirs: string): boolean {
  return theirs === "lm_head.weight" || /^h\.\d+\.attn\.(masked_)?bias$/.test(theirs);
}

/** Square pieces that stay in the first-level cache, read and written alike. */
const TILE = 32;

/** (rows, columns) to (columns, rows). */
export function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let top = 0; top < rows; top += TILE) {
    const bottom = Math.min(top + TILE, rows);
    for (let left = 0; left < columns; left += TILE) {
      const right = Math.min(left + TILE, columns);
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) out[column * rows + row] = values[row * columns + column]!;
      }
    }
  }
  return out;
}
