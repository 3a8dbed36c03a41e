// `millrace plan` through the command line: exact bytes, refused like the options of `train`.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const main = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));

function plan(...args: string[]) {
  return spawnSync(process.execPath, [main, "plan", ...args], {
    encoding: "utf8",
    env: { ...process.env, MILLRACE_DEBUG: "", NO_COLOR: "1" },
  });
}

test("a model far larger than this machine is planned, and what recomputation saves is said", () => {
  const { status, stdout, stderr } = plan("--model", "gpt2-8.3b", "--tp", "8", "--micro-batch", "8", "--json");
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const { numParameters, perRank } = JSON.parse(stdout);
  expect(numParameters).toBe(8_317_040_640);
  for (const part of ["parameters", "gradients", "optimizer"]) expect(perRank.full[part]).toBe(perRank.none[part]);
  for (const bytes of Object.values(perRank)) {
    const { parameters, gradients, optimizer, activations, total } = bytes as Record<string, number>;
    expect(parameters! + gradients! + optimizer! + activations!).toBe(total);
  }
  // 71 layers whose norms' outputs (2), products (3 + 1 + 4 eighths), GELU (4 eighths) and middle (1) of 96 MiB are not kept.
  const unit = 8 * 1024 * 3072 * 4;
  const saved = (name: string) => perRank.none.activations - perRank[name].activations;
  expect(saved("full") / (71 * unit * (2 + 8 / 8 + 4 / 8 + 1))).toBeCloseTo(1, 2);
  expect(saved("selective") / (71 * unit * (2 + 4 / 8))).toBeCloseTo(1, 2);
});

test("people read a table in MiB", () => {
  const { status, stdout } = plan("--model", "tiny", "--tp", "2");
  expect(status).toBe(0);
  expect(stdout).toMatch(
    /^[\d,]+ parameters, fp32, (cpu|reference) backend; 2 x 1 ranks, each 4 sequences of 128 tokens/,
  );
  expect(stdout).toMatch(/^MiB a rank, --recompute +none +selective +full$/m);
  expect(stdout).toMatch(/^total( +[\d,]+\.\d){3}$/m);
});

test.each([
  [["--model", "tiny", "--tp", "3"], "expected a multiple of tp (3) for numHeads, got 8"],
  [["--model", "tiny", "--tp", "0"], "--tp 0: expected a number above 0 for train.tp, got 0"],
  [["--tp", "2"], "required option '--model <name|file>' not specified"],
])("refuses %j as train would", (args, sentence) => {
  const { status, stderr } = plan(...args);
  expect(stderr).toContain(sentence);
  expect(status).toBe(2);
});
