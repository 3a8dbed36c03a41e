import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createInference } from "#src/models/index.js";
import type { NativeTrainer } from "#src/native/trainer.js";
import { native } from "#src/native.js";

const model = {
  numLayers: 1,
  hiddenSize: 32,
  numHeads: 4,
  contextLength: 8,
  vocabSize: 100,
  paddedVocabSize: 128,
  gelu: "tanh",
  layernormEpsilon: 1e-5,
} as const;
const folder = mkdtempSync(join(tmpdir(), "millrace-snapshot-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const create = () => createInference(model, { sequenceLength: 8, batch: 1, threads: 1 });
const step = (trainer: NativeTrainer) =>
  trainer.step(
    Int32Array.from({ length: 9 }, (_, i) => i),
    new BigInt64Array(1),
  );

describe("the door of checkpoints", () => {
  it("writes a snapshot while the trainer steps, and after it was destroyed", async () => {
    const trainer = create();
    const snapshot = await trainer.createSnapshot();
    await step(trainer);
    await trainer.save(join(folder, "at 1"));
    await snapshot.take();
    const writing = snapshot.write(join(folder, "while stepping"));
    const { step: number } = await step(trainer);
    expect(number).toBe(2);
    await writing;
    await trainer.save(join(folder, "at 2"));
    trainer.destroy();
    await snapshot.write(join(folder, "after all"));
    snapshot.destroy();
    const bytes = (name: string) => readFileSync(join(folder, name));
    expect(bytes("while stepping").equals(bytes("at 1"))).toBe(true);
    expect(bytes("after all").equals(bytes("at 1"))).toBe(true);
    expect(bytes("at 2").equals(bytes("at 1"))).toBe(false);
  });

  it("refuses an empty snapshot, a second call, a busy trainer and what was destroyed", async () => {
    const refusal = { code: "native-invalid-argument" };
    const trainer = create();
    const snapshot = await trainer.createSnapshot();
    expect(snapshot.sizeBytes).toBeGreaterThanOrEqual(12 * (100 * 32 + 8 * 32 + 12 * 32 * 32));
    await expect(snapshot.write(join(folder, "empty"))).rejects.toMatchObject({
      ...refusal,
      message: "expected a snapshot that was taken, got an empty one",
    });
    const taking = snapshot.take();
    expect(() => snapshot.write(join(folder, "second"))).toThrow("expected one call of a snapshot at a time");
    expect(() => step(trainer)).toThrow("expected one call of a trainer at a time");
    await taking;
    const stepping = step(trainer);
    expect(() => snapshot.take()).toThrow("expected one call of a trainer at a time");
    await stepping;
    await expect(snapshot.write(join(folder, "missing", "a"))).rejects.toMatchObject({ code: "native-io" });
    trainer.destroy();
    expect(() => snapshot.take()).toThrow("expected a live trainer");
    snapshot.destroy();
    expect(() => snapshot.write(join(folder, "destroyed"))).toThrow("expected a live snapshot");
  });

  it("computes zlib's checksum in pieces", () => {
    const bytes = new TextEncoder().encode("123456789");
    const { crc32 } = native();
    expect(crc32(bytes, 0)).toBe(0xcbf43926);
    expect(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4), 0))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array(0), 7)).toBe(7);
    expect(() => crc32("1" as never, 0)).toThrow("expected a Uint8Array for bytes");
  });
});
