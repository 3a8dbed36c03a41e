// `--device cuda` where no GPU can be used: refused in one sentence before any work, by every command that has it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { native } from "#src/native.js";

const main = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "millrace-device-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const reason = native().backendReason("cuda");

function millrace(...args: string[]) {
  return spawnSync(process.execPath, [main, ...args], {
    encoding: "utf8",
    env: { ...process.env, MILLRACE_DEBUG: "", NO_COLOR: "1" },
  });
}

const out = join(dir, "out");
const TRAIN = ["train", "--shards", dir, "--model", "tiny", "--steps", "1", "--out", out];

describe.runIf(reason !== "")("without a GPU that can be used", () => {
  test.each([
    ["train", TRAIN],
    ["eval", ["eval", "--checkpoint", dir, "--shards", dir, "--out", out]],
    ["generate", ["generate", "--checkpoint", dir]],
  ])("%s says what is missing, writes nothing and has exit code 2", (_, args) => {
    const { status, stderr, stdout } = millrace(...args, "--device", "cuda");
    expect(stderr).toContain("expected a GPU for device cuda, got none: ");
    expect(stderr).toContain(reason);
    expect(stdout).toBe("");
    expect(existsSync(out)).toBe(false);
    expect(status).toBe(2);
  });

  test("a recipe that asks for it is refused before its first stage runs", () => {
    const recipe = join(dir, "recipe.yaml");
    writeFileSync(join(dir, "corpus.jsonl"), '{"text":"one document"}\n');
    writeFileSync(
      recipe,
      `name: gpu\nout: ${out}\ninputs: [{ path: ${join(dir, "corpus.jsonl")} }]\nshard: { tokenizer: gpt2 }\ntrain: { model: tiny, steps: 1, device: cuda }\n`,
    );
    const { status, stderr } = millrace("run", recipe);
    expect(stderr).toContain("expected a GPU for device cuda, got none: ");
    expect(existsSync(join(out, "shards"))).toBe(false);
    expect(status).toBe(2);
  });
});

test.runIf(reason.startsWith("this build has no CUDA"))("plan says that the build has no CUDA", () => {
  const { status, stderr } = millrace("plan", "--model", "tiny", "--device", "cuda");
  expect(stderr).toContain("this build has no CUDA");
  expect(status).toBe(2);
});

test.runIf(!reason.startsWith("this build has no CUDA"))("plan needs no GPU, only a build with CUDA", () => {
  const { status, stdout } = millrace("plan", "--model", "gpt2-1.2b", "--precision", "bf16", "--device", "cuda");
  expect(stdout).toContain("bf16, cuda backend");
  expect(status).toBe(0);
});

test("a device of no known name is refused with those that there are", () => {
  for (const args of [TRAIN, ["plan", "--model", "tiny"]]) {
    const { status, stderr } = millrace(...args, "--device", "tpu");
    expect(stderr).toContain("--device tpu: expected");
    expect(stderr).toContain('"cuda"');
    expect(status).toBe(2);
  }
});
