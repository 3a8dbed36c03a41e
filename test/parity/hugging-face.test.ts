// Models to and from the Hugging Face layout: the logits of GPT2LMHeadModel both ways, and what is refused. Golden files by
// make-hugging-face-golden.py; with a Python that has transformers, what is exported is opened by it too.
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { readCheckpoint, writeCheckpoint } from "#src/formats/checkpoint.js";
import { SafetensorsFile, writeSafetensors } from "#src/formats/safetensors.js";
import { createInference, type ImportedTraining, inspectHuggingFace, type ModelConfig } from "#src/models/index.js";
import { loadTokenizer } from "#src/tokenizers/index.js";
import { filesOf, LETTERS } from "../unit/tokenizers/naive-bpe.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const WEIGHTS = join(root, "test/parity/golden-hugging-face.safetensors");
const golden = JSON.parse(readFileSync(join(root, "test/parity/golden-hugging-face.json"), "utf8")) as {
  readonly config: Record<string, unknown>;
  readonly prompts: readonly number[][];
  readonly logits: readonly number[][];
};
/** fp32 on both sides; logits reach 10. */
const TOLERANCE = 1e-5;

const place = mkdtempSync(join(tmpdir(), "millrace-hugging-face-"));
afterAll(() => rmSync(place, { recursive: true, force: true }));

const tokenizer = join(place, "tokenizer");
mkdirSync(tokenizer);
const vocab = Object.fromEntries([...LETTERS, "<|endoftext|>"].map((letter, id) => [letter, id]));
const files = filesOf({ vocab, merges: [] });
writeFileSync(join(tokenizer, "vocab.json"), files.vocab);
writeFileSync(join(tokenizer, "merges.txt"), files.merges);

/** A folder as transformers leaves it, with the values of `change` in its configuration. */
function modelFolder(name: string, change: object = {}): string {
  const dir = join(place, name);
  mkdirSync(dir);
  writeFileSync(join(dir, "config.json"), JSON.stringify({ ...golden.config, ...change }));
  copyFileSync(WEIGHTS, join(dir, "model.safetensors"));
  return dir;
}

function millrace(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const environment = { ...process.env, NO_COLOR: "1", MILLRACE_DEBUG: "" };
  return spawnSync(process.execPath, ["dist/cli/main.js", ...args], { cwd: root, encoding: "utf8", env: environment });
}

function importModel(from: string, ...options: string[]): { checkpoint: string; parameters: number } {
  const { stdout, stderr } = millrace("import", "hf", from, "--out", `${from}-checkpoint`, "--json", ...options);
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

async function logitsOf(checkpoint: string): Promise<Float32Array[]> {
  const { dir, state } = await readCheckpoint<ImportedTraining>(checkpoint);
  const { model, sequenceLength } = state.training;
  const trainer = createInference(model, { sequenceLength, batch: 1, threads: 1 });
  try {
    await trainer.load(join(dir, "model.safetensors"));
    const all: Float32Array[] = [];
    for (const prompt of golden.prompts) all.push(await trainer.logits(Int32Array.from(prompt)));
    return all;
  } finally {
    trainer.destroy();
  }
}

function worstDifference(a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[]): number {
  return Math.max(...a.flatMap((row, i) => Array.from(row, (value, j) => Math.abs(value - b[i]![j]!))));
}

async function valuesOf(path: string): Promise<Record<string, { shape: readonly number[]; values: Float32Array }>> {
  const file = await SafetensorsFile.open(path);
  const all: Record<string, { shape: readonly number[]; values: Float32Array }> = {};
  for (const { name, shape } of file.tensors.values()) all[name] = { shape, values: await file.readFloats(name) };
  await file.close();
  return all;
}

describe("import", () => {
  test("a model that transformers saved has its logits here", async () => {
    const { checkpoint, parameters } = importModel(modelFolder("plain"), "--tokenizer", tokenizer);
    expect(parameters).toBe(257 * 12 + 10 * 12 + 2 * (12 * 144 + 13 * 12) + 24);
    const logits = await logitsOf(checkpoint);
    expect(worstDifference(logits, golden.logits)).toBeLessThan(TOLERANCE);
    expect(logits.map((row) => row.length)).toEqual(golden.prompts.map(() => 257));
  });

  test("the other GELU and other heads are seen in the logits", async () => {
    for (const change of [{ activation_function: "gelu" }, { n_head: 2 }]) {
      const { checkpoint } = importModel(modelFolder(Object.keys(change)[0]!, change), "--tokenizer", tokenizer);
      expect(worstDifference(await logitsOf(checkpoint), golden.logits)).toBeGreaterThan(10 * TOLERANCE);
    }
  });

  test("names without a prefix, several files, stored masks and a stored head make no difference", async () => {
    const dir = modelFolder("split", { n_inner: 48, activation_function: "gelu_pytorch_tanh" });
    const all = Object.entries(await valuesOf(join(dir, "model.safetensors")));
    rmSync(join(dir, "model.safetensors"));
    const masks = { shape: [1, 1, 10, 10], values: new Float32Array(100) };
    const head = { ...all.find(([name]) => name === "transformer.wte.weight")![1] };
    all.push(["h.0.attn.bias", masks], ["h.1.attn.masked_bias", masks], ["lm_head.weight", head]);
    const weightMap: Record<string, string> = {};
    for (const part of [0, 1]) {
      const name = `model-${part}.safetensors`;
      const tensors = all
        .filter((_, i) => i % 2 === part)
        .map(([key, { shape, values }]) => ({
          name: key.replace("transformer.", ""),
          shape,
          values: () => Promise.resolve(values),
        }));
      for (const tensor of tensors) weightMap[tensor.name] = name;
      await writeSafetensors(join(dir, name), tensors, {});
    }
    writeFileSync(join(dir, "model.safetensors.index.json"), JSON.stringify({ weight_map: weightMap }));
    copyFileSync(join(tokenizer, "vocab.json"), join(dir, "vocab.json"));
    copyFileSync(join(tokenizer, "merges.txt"), join(dir, "merges.txt"));
    const { checkpoint } = importModel(dir);
    expect(worstDifference(await logitsOf(checkpoint), golden.logits)).toBeLessThan(TOLERANCE);
  });

  test("what was imported says so and writes text", async () => {
    const { checkpoint } = importModel(modelFolder("used"), "--tokenizer", tokenizer);
    const { state } = await readCheckpoint(checkpoint);
    expect(state.imported).toMatchObject({ format: "hugging-face", files: [{ name: "model.safetensors" }] });
    const { stdout } = millrace(
      "generate",
      "--checkpoint",
      checkpoint,
      "--prompt",
      "mill",
      "--max-tokens",
      "5",
      "--json",
    );
    expect(JSON.parse(stdout)).toMatchObject({ prompt: "mill" });
  });
});

describe("export", () => {
  test("gives back every tensor that was imported, bit for bit, and its configuration", async () => {
    const { checkpoint } = importModel(modelFolder("round"), "--tokenizer", tokenizer);
    const out = join(place, "exported");
    const { stdout, stderr } = millrace("export", "hf", checkpoint, "--out", out, "--json");
    expect(stderr).toBe("");
    expect(JSON.parse(stdout).files).toContain("config.json");
    const [before, after] = [await valuesOf(WEIGHTS), await valuesOf(join(out, "model.safetensors"))];
    expect(Object.keys(after).sort()).toEqual(Object.keys(before).sort());
    for (const [name, tensor] of Object.entries(after)) expect(tensor, name).toEqual(before[name]);
    const config = JSON.parse(readFileSync(join(out, "config.json"), "utf8")) as Record<string, unknown>;
    for (const key of ["n_embd", "n_head", "n_layer", "n_positions", "vocab_size", "activation_function"]) {
      expect(config[key], key).toBe(golden.config[key]);
    }
    expect(readFileSync(join(out, "vocab.json"))).toEqual(readFileSync(join(tokenizer, "vocab.json")));
  });

  test("transformers opens a model made here with the same logits and the same ids", async () => {
    const python = findPython();
    if (python === undefined) {
      console.warn("no Python with transformers found (set MILLRACE_PYTHON): opening an export was not checked");
      return;
    }
    const sizes = { numLayers: 3, hiddenSize: 20, numHeads: 5, contextLength: 12, gelu: "erf", layernormEpsilon: 1e-5 };
    const model = { ...sizes, vocabSize: 257, paddedVocabSize: 1024 } as ModelConfig;
    const checkpoint = await makeCheckpoint(model);
    const out = join(place, "for-transformers");
    expect(millrace("export", "hf", checkpoint, "--out", out).stderr).toBe("");
    const text = "the old wheel";
    const args = [join(root, "test/parity/read-hugging-face.py"), out, JSON.stringify(golden.prompts), text];
    const theirs = JSON.parse(execFileSync(python, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
    expect(worstDifference(await logitsOf(checkpoint), theirs.logits)).toBeLessThan(TOLERANCE);
    expect(theirs.ids).toEqual(Array.from(loadTokenizer(tokenizer).encode(text)));
  });
});

describe("import refuses", () => {
  const refusals: [string, object, RegExp][] = [
    ["another kind of model", { model_type: "llama" }, /model_type/],
    ["another feed-forward width", { n_inner: 40 }, /expected null or 4 \* n_embd \(48\) for n_inner, got 40/],
    ["a head of its own", { tie_word_embeddings: false }, /tie_word_embeddings/],
    ["another attention scale", { scale_attn_by_inverse_layer_idx: true }, /scale_attn_by_inverse_layer_idx/],
    ["an unknown activation", { activation_function: "silu" }, /activation_function/],
    ["heads that do not divide", { n_head: 5 }, /expected a multiple of numHeads \(5\)/],
    ["other sizes than the file's", { n_embd: 24 }, /expected 257 x 24 for the tensor wte.weight, got 257 x 12/],
    ["more layers than the file's", { n_layer: 3 }, /expected 12 for the tensor h.2.ln_1.weight, got none/],
    ["fewer layers than the file's", { n_layer: 1 }, /got h.1.attn.c_attn.bias too/],
  ];
  test.each(refusals)("%s, naming it", async (what, change, sentence) => {
    const dir = modelFolder(what.replaceAll(" ", "-"), change);
    await expect(inspectHuggingFace(dir)).rejects.toMatchObject({
      code: expect.stringMatching(/^config-(import|model)$/),
      message: expect.stringMatching(sentence),
    });
  });

  test("pickled weights, names that lead out of the folder, and a file that was cut", async () => {
    const pickled = modelFolder("pickled");
    rmSync(join(pickled, "model.safetensors"));
    writeFileSync(join(pickled, "pytorch_model.bin"), "");
    await expect(inspectHuggingFace(pickled)).rejects.toMatchObject({
      code: "config-import",
      hint: expect.stringContaining("save_pretrained"),
    });
    writeFileSync(join(pickled, "model.safetensors.index.json"), '{"weight_map":{"wte.weight":"../x.safetensors"}}');
    await expect(inspectHuggingFace(pickled)).rejects.toThrow("expected a weight_map of file names");
    const cut = modelFolder("cut");
    for (const length of [0, 5, 100, 30_000]) {
      writeFileSync(join(cut, "model.safetensors"), readFileSync(WEIGHTS).subarray(0, length));
      await expect(inspectHuggingFace(cut), `${length} bytes`).rejects.toMatchObject({ code: "safetensors-damaged" });
    }
  });

  test("a tokenizer that is not the model's with 2, before anything is written", () => {
    const dir = modelFolder("refused");
    for (const [options, sentence] of [
      [["--tokenizer", "gpt2"], "expected at most 257 ids for the tokenizer gpt2, got 50257"],
      [["--tokenizer", "gpt2", "--dry-run"], "expected at most 257 ids for the tokenizer gpt2, got 50257"],
      [[], `expected vocab.json and merges.txt in ${dir}`],
    ] as const) {
      const { status, stderr, stdout } = millrace("import", "hf", dir, "--out", `${dir}-out`, ...options);
      expect(stderr).toContain(sentence);
      expect({ status, stdout, written: existsSync(`${dir}-out`) }).toEqual({ status: 2, stdout: "", written: false });
    }
  });
});

test("neither replaces what is there, and a dry run writes nothing", () => {
  const dir = modelFolder("there");
  const out = `${dir}-checkpoint`;
  const dry = millrace("import", "hf", dir, "--out", out, "--tokenizer", tokenizer, "--dry-run");
  expect(dry).toMatchObject({ status: 0, stdout: `${dir} can be imported: 6,996 parameters\n`, stderr: "" });
  expect(existsSync(out)).toBe(false);
  const { checkpoint } = importModel(dir, "--tokenizer", tokenizer);
  const again = millrace("import", "hf", dir, "--out", out, "--tokenizer", tokenizer);
  expect(again.status).toBe(2);
  expect(again.stderr).toContain("expected a folder without checkpoints for the result");
  const over = millrace("export", "hf", checkpoint, "--out", dir);
  expect(over.status).toBe(2);
  expect(over.stderr).toContain("expected a folder without a model for the result");
  expect(readFileSync(join(dir, "model.safetensors"))).toEqual(readFileSync(WEIGHTS));
});

/** A checkpoint of step 0 by the trainer itself, every parameter away from its initial value. */
async function makeCheckpoint(model: ModelConfig): Promise<string> {
  const trainer = createInference(model, { sequenceLength: 8, batch: 1, threads: 1 });
  for (const { name, rows, columns } of trainer.tensors()) {
    const values = Float32Array.from({ length: rows * columns }, (_, i) => 0.3 * Math.sin(i * 12.9898 + name.length));
    trainer.writeParameter(name, name.includes("ln_") && name.endsWith("weight") ? values.map((x) => 1 + x) : values);
  }
  const { fingerprint } = loadTokenizer(tokenizer);
  const dataset = { identity: "none", orderVersion: 0, tokenizer: { name: tokenizer, fingerprint }, vocabSize: 257 };
  const training = { model, sequenceLength: 12 };
  try {
    const state = { step: 0, nextSample: 0, dataset, training };
    return (await writeCheckpoint(join(place, "made"), state, (path) => trainer.save(path))).dir;
  } finally {
    trainer.destroy();
  }
}

/** A Python that has transformers; MILLRACE_PYTHON names one that is not on the path. */
function findPython(): string | undefined {
  const code = "import importlib.util as u; exit(not (u.find_spec('torch') and u.find_spec('transformers')))";
  return [process.env.MILLRACE_PYTHON, "python3"].find(
    (python) => python !== undefined && spawnSync(python, ["-c", code]).status === 0,
  );
}
