// The paper's recipe carries every hyperparameter of its section 4 in so many words, and resolves: what a dry run prints.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { readYaml } from "#src/run/config-source.js";
import { resolveTraining, trainSchema } from "#src/train/config.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const recipe = readFileSync(join(root, "pipelines/megatron-gpt2.yaml"), "utf8");
const place = mkdtempSync(join(tmpdir(), "millrace-megatron-"));
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** Section 4, and the sizes and layout (5.2, B.1) that it is about. */
const PAPER = {
  clean: { minTokens: 128 },
  dedup: { threshold: 0.7 },
  shard: { tokenizer: "gpt2" },
  train: {
    model: "gpt2-8.3b",
    tp: 8,
    dp: 64,
    precision: "fp16",
    recompute: "full",
    steps: 300_000,
    sequenceLength: 1024,
    globalBatch: 512,
    microBatch: 8,
    dropout: 0.1,
    learningRate: 1.5e-4,
    schedule: "cosine",
    warmupSteps: 3000,
    decaySteps: 300_000,
    minLearningRate: 1e-5,
    weightDecay: 0.01,
    clipNorm: 1,
    initStd: 0.02,
  },
} as const;

/** What the plan of a recipe says otherwise than the paper, or leaves to a default. */
function missing(text: string): string[] {
  const said = readYaml(text, "megatron-gpt2.yaml", []).value as Record<string, Record<string, unknown>>;
  return Object.entries(PAPER).flatMap(([stage, values]) =>
    Object.entries(values)
      .filter(([key, value]) => said[stage]?.[key] !== value)
      .map(([key]) => `${stage}.${key}`),
  );
}

test("every hyperparameter of section 4 stands in the recipe", () => {
  expect(missing(recipe)).toEqual([]);
});

test("one that is left out or changed is seen", () => {
  expect(missing(recipe.replace(/^ +clipNorm:.*\n/m, ""))).toEqual(["train.clipNorm"]);
  expect(missing(recipe.replace("warmupSteps: 3000", "warmupSteps: 300"))).toEqual(["train.warmupSteps"]);
});

test("a dry run prints the plan with the paper's numbers, and the layout divides", async () => {
  mkdirSync(join(place, "corpora"));
  for (const name of ["wikipedia", "cc-stories", "realnews", "openwebtext"]) {
    writeFileSync(join(place, `corpora/${name}-0.jsonl`), `${JSON.stringify({ id: "a", text: "text" })}\n`);
  }
  for (const name of ["wikitext103-test-titles", "openwebtext-domains", "openwebtext-extensions"]) {
    writeFileSync(join(place, `corpora/${name}.txt`), "entry\n");
  }
  const args = ["run", join(root, "pipelines/megatron-gpt2.yaml"), "--dry-run", "--json"];
  const plan = JSON.parse(
    execFileSync(process.execPath, [join(root, "dist/cli/main.js"), ...args], { cwd: place, encoding: "utf8" }),
  );
  expect(plan).toMatchObject(PAPER);
  expect(plan.train.lossScale).toEqual({ initial: 2 ** 32, window: 1000, hysteresis: 2, minimum: 1 });
  const { training, run } = await resolveTraining(trainSchema.parse(plan.train));
  expect(training.globalBatch / (training.microBatch * run.dp)).toBe(1);
  expect(training.model).toMatchObject({ numLayers: 72, hiddenSize: 3072, numHeads: 24, paddedVocabSize: 51_200 });
});
