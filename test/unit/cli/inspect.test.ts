// `millrace inspect` on checkpoints: what one holds, all of a run, and with --verify the first byte that is not what was
// written, by the name of its tensor.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeCheckpoint } from "#src/formats/checkpoint.js";
import { readWeights, verifyWeights } from "#src/formats/checkpoint-weights.js";
import { createInference } from "#src/models/index.js";
import { native } from "#src/native.js";

const main = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
const run = mkdtempSync(join(tmpdir(), "millrace-inspect-"));
const root = join(run, "checkpoints");
const checksum = (bytes: Uint8Array, before: number) => native().crc32(bytes, before);
const model = {
  numLayers: 1,
  hiddenSize: 16,
  numHeads: 2,
  contextLength: 8,
  vocabSize: 100,
  paddedVocabSize: 128,
  gelu: "tanh",
  layernormEpsilon: 1e-5,
} as const;
/** 100 x 16 + 8 x 16 + 12 x 16^2 + 13 x 16 + 2 x 16. */
const NUM_PARAMETERS = 1600 + 128 + 3072 + 208 + 32;
let dir: string;

async function save(step: number): Promise<string> {
  const trainer = createInference(model, { sequenceLength: 8, batch: 1, threads: 1 });
  const tokenizer = { name: "gpt2", fingerprint: "sha256:t" };
  const dataset = { identity: "sha256:d", orderVersion: 1, tokenizer, vocabSize: 100 };
  const state = { step, nextSample: 4 * step, dataset, training: { model, seed: 0 } };
  const checkpoint = await writeCheckpoint(root, state, (path) => trainer.save(path));
  trainer.destroy();
  return checkpoint.dir;
}

/** CRC-32 bit by bit, as its definition has it. */
function plainCrc32(bytes: Uint8Array): string {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (~crc >>> 0).toString(16).padStart(8, "0");
}

function inspect(...args: string[]) {
  return spawnSync(process.execPath, [main, "inspect", ...args], { encoding: "utf8" });
}

beforeAll(async () => {
  await save(1);
  dir = await save(2);
});
afterAll(() => rmSync(run, { recursive: true }));

describe("a checkpoint", () => {
  test("is shown with its training, its counters and every tensor", () => {
    const shown = JSON.parse(inspect(dir, "--json").stdout);
    expect(shown).toMatchObject({
      kind: "checkpoint",
      step: 2,
      nextSample: 8,
      training: { model, seed: 0 },
      metadata: { "model.num_heads": "2", updates: "0" },
      numParameters: NUM_PARAMETERS,
    });
    expect(shown.tensors).toHaveLength(3 * 16);
    expect(shown.tensors[0]).toEqual({
      name: "parameter.wte.weight",
      dtype: "F32",
      shape: [100, 16],
      sizeBytes: 6400,
      crc32: expect.stringMatching(/^[0-9a-f]{8}$/),
    });
    const text = inspect(dir).stdout;
    expect(text).toMatch(/^ {2}first_moment\.h\.0\.mlp\.up\.weight: F32 \[64, 16\], 4096 bytes, crc32 [0-9a-f]{8}$/m);
  });

  test("is verified by the file inside it, too", () => {
    const { status, stdout } = inspect(join(dir, "model.safetensors"), "--verify", "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ kind: "checkpoint", verified: expect.stringContaining("every tensor") });
  });

  test("states the checksums that their definition gives", async () => {
    expect(plainCrc32(Buffer.from("123456789"))).toBe("cbf43926");
    const bytes = readFileSync(join(dir, "model.safetensors"));
    const dataBegin = 8 + Number(bytes.readBigUInt64LE());
    let begin = dataBegin;
    for (const tensor of (await readWeights(dir)).tensors) {
      expect(plainCrc32(bytes.subarray(begin, begin + tensor.sizeBytes)), tensor.name).toBe(tensor.crc32);
      begin += tensor.sizeBytes;
    }
    expect(begin).toBe(bytes.length);
  });

  test("with any changed byte is refused by the name of what it belongs to", async () => {
    const path = join(dir, "model.safetensors");
    const whole = readFileSync(path);
    await verifyWeights(dir, checksum);
    const dataBegin = 8 + Number(whole.readBigUInt64LE());
    const padding = whole.lastIndexOf(" ", dataBegin);
    for (const [at, name] of [
      [whole.indexOf('"updates"') + 11, "the header"],
      [padding, "the header"],
      [dataBegin, "parameter.wte.weight"],
      [dataBegin + 4 * NUM_PARAMETERS, "first_moment.wte.weight"],
      [whole.length - 1, "second_moment.ln_f.bias"],
    ] as const) {
      const damaged = Buffer.from(whole);
      // A digit becomes another one, and a space of padding a line end: both are still JSON.
      damaged[at] = at === padding ? 10 : damaged[at]! ^ 1;
      writeFileSync(path, damaged);
      await expect(verifyWeights(dir, checksum), name).rejects.toMatchObject({
        code: "checkpoint-damaged",
        message: expect.stringContaining(`for ${name}, got`),
      });
    }
    expect(inspect(dir, "--verify")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("second_moment.ln_f.bias"),
    });
    expect(inspect(dir).status).toBe(0);
    writeFileSync(path, whole);
  });
});

describe("the checkpoints of a training", () => {
  test("are listed, the newest last, and what is damaged is named", () => {
    const list = JSON.parse(inspect(run, "--json").stdout);
    expect(list).toMatchObject({ kind: "checkpoints", count: 2, damaged: 0 });
    expect(list.checkpoints.map(({ step }: { step: number }) => step)).toEqual([1, 2]);
    const path = join(dir, "state.json");
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace('"nextSample": 8', '"nextSample": 12'));
    const { status, stdout } = inspect(root, "--verify", "--json");
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      damaged: 1,
      checkpoints: [{ step: 1 }, { name: "step-00000002", damaged: expect.stringContaining("state.json") }],
    });
    writeFileSync(path, text);
  });
});

test("a tokenizer's folder whose file is none is refused with what is wrong in it", () => {
  const dir = mkdtempSync(join(run, "tokenizer-"));
  writeFileSync(join(dir, "tokenizer.json"), "{}");
  expect(inspect(dir).stderr).toContain("expected BPE or WordPiece for model.type, got nothing");
});
