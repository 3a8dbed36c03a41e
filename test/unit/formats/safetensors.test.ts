// Safetensors files: what is written is read, every type of floats, and damage to any part of the header is seen.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { SafetensorsFile, writeSafetensors } from "#src/formats/safetensors.js";

const place = mkdtempSync(join(tmpdir(), "millrace-safetensors-"));
afterAll(() => rmSync(place, { recursive: true, force: true }));
let serial = 0;

function fileOf(header: unknown, data: Uint8Array): string {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const path = join(place, `${serial++}.safetensors`);
  writeFileSync(path, Buffer.concat([length, text, data]));
  return path;
}

async function floatsOf(dtype: string, data: Uint8Array): Promise<Float32Array> {
  const elementBytes = { F64: 8, F32: 4 }[dtype] ?? 2;
  const header = { x: { dtype, shape: [data.length / elementBytes], data_offsets: [0, data.length] } };
  const file = await SafetensorsFile.open(fileOf(header, data));
  try {
    return await file.readFloats("x");
  } finally {
    await file.close();
  }
}

function bytesOf(array: Float64Array | Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(array.buffer);
}

describe("a safetensors file", () => {
  test("gives back what was written, in the order it was written, with aligned data", async () => {
    const path = join(place, "whole.safetensors");
    const tensors = [
      { name: "b", shape: [2, 3], values: Float32Array.of(1, -2, 3.5, 0, -0, 1e-40) },
      { name: "a", shape: [], values: Float32Array.of(7) },
      { name: "none", shape: [0, 4], values: new Float32Array(0) },
    ];
    await writeSafetensors(
      path,
      tensors.map(({ values, ...rest }) => ({ ...rest, values: () => Promise.resolve(values) })),
      { format: "pt" },
    );
    const file = await SafetensorsFile.open(path);
    expect(file.metadata).toEqual({ format: "pt" });
    expect([...file.tensors.keys()]).toEqual(["b", "a", "none"]);
    expect(file.tensors.get("b")).toMatchObject({ dtype: "F32", shape: [2, 3] });
    expect(file.tensors.get("b")!.begin % 64).toBe(0);
    for (const { name, values } of tensors) expect(bytesOf(await file.readFloats(name))).toEqual(bytesOf(values));
    await expect(file.readFloats("c")).rejects.toThrow("expected the tensor c, got none");
    await file.close();
  });

  test("is not left behind when there are fewer values than the shape says", async () => {
    const path = join(place, "short.safetensors");
    const tensor = { name: "x", shape: [3], values: () => Promise.resolve(new Float32Array(2)) };
    await expect(writeSafetensors(path, [tensor], {})).rejects.toThrow("expected 3 values for x, got 2");
    expect(() => readFileSync(path)).toThrow("ENOENT");
  });

  test("has floats of four types", async () => {
    expect(await floatsOf("F32", bytesOf(Float32Array.of(1.5, -3)))).toEqual(Float32Array.of(1.5, -3));
    expect(await floatsOf("F64", bytesOf(Float64Array.of(0.1)))).toEqual(Float32Array.of(0.1));
    const brain = Uint16Array.of(0x3f80, 0xc049, 0x0001, 0x7f80, 0x8000);
    expect(await floatsOf("BF16", bytesOf(brain))).toEqual(
      Float32Array.of(1, -3.140625, 2 ** -133, Number.POSITIVE_INFINITY, -0),
    );
    const half = Uint16Array.of(0x3c00, 0xc248, 0x0001, 0x03ff, 0x0400, 0x7bff, 0xfc00, 0x8000, 0x7e00);
    expect(await floatsOf("F16", bytesOf(half))).toEqual(
      Float32Array.of(
        1,
        -3.140625,
        2 ** -24,
        1023 * 2 ** -24,
        2 ** -14,
        65504,
        Number.NEGATIVE_INFINITY,
        -0,
        Number.NaN,
      ),
    );
    await expect(floatsOf("I16", new Uint8Array(4))).rejects.toThrow("expected F32, F64, F16 or BF16 for x, got I16");
  });

  test.each([
    ["no JSON", "{x", "expected JSON for the header"],
    ["no object", [], "expected an object for the header"],
    ["an unknown type", { x: { dtype: "F31", shape: [1], data_offsets: [0, 4] } }, "expected dtype, shape"],
    ["a type that every object has", { x: { dtype: "toString", shape: [1], data_offsets: [0, 4] } }, "expected dtype"],
    ["a negative extent", { x: { dtype: "F32", shape: [-1], data_offsets: [0, 4] } }, "expected dtype, shape"],
    ["no offsets", { x: { dtype: "F32", shape: [1] } }, "expected dtype, shape"],
    ["other bytes than the shape's", { x: { dtype: "F32", shape: [2], data_offsets: [0, 4] } }, "expected 8 bytes"],
    ["bytes behind the end", { x: { dtype: "F32", shape: [3], data_offsets: [0, 12] } }, "expected 12 bytes inside"],
    ["an extent too many", { x: { dtype: "F32", shape: [2 ** 40, 2 ** 40], data_offsets: [0, 8] } }, "inside the file"],
  ])("with %s is refused", async (_, header, sentence) => {
    const path = fileOf(header, new Uint8Array(8));
    await expect(SafetensorsFile.open(path)).rejects.toMatchObject({
      code: "safetensors-damaged",
      message: expect.stringContaining(sentence),
      where: { file: path },
    });
  });

  test("that is cut anywhere is refused", async () => {
    const whole = readFileSync(fileOf({ x: { dtype: "F32", shape: [2], data_offsets: [0, 8] } }, new Uint8Array(8)));
    const path = join(place, "cut.safetensors");
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      await expect(SafetensorsFile.open(path), `${length} bytes`).rejects.toMatchObject({
        code: "safetensors-damaged",
      });
    }
  });
});
