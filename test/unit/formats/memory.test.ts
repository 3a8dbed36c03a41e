import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { native } from "#src/native.js";

const dir = mkdtempSync(join(tmpdir(), "millrace-memory-"));
afterAll(() => rmSync(dir, { recursive: true }));

test("a mapped file shows the file's bytes", () => {
  const path = join(dir, "some.bin");
  const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
  writeFileSync(path, bytes);
  expect(new Uint8Array(native().mapFile(path))).toEqual(bytes);
});

test("a mapping outlives the file's name", () => {
  const path = join(dir, "gone.bin");
  writeFileSync(path, "still here");
  const mapped = native().mapFile(path);
  rmSync(path);
  expect(Buffer.from(mapped).toString()).toBe("still here");
});

test("an empty file maps to an empty buffer", () => {
  const path = join(dir, "empty.bin");
  writeFileSync(path, "");
  expect(native().mapFile(path).byteLength).toBe(0);
});

test("what is written to a writable mapping stands in the file, and old bytes are gone", () => {
  const path = join(dir, "page.bin");
  writeFileSync(path, "old bytes that must not show through");
  const mapped = new Uint8Array(native().mapFileWritable(path, 4096));
  expect(mapped.every((byte) => byte === 0)).toBe(true);
  mapped[4095] = 7;
  expect(new Uint8Array(native().mapFile(path))[4095]).toBe(7);
  expect(readFileSync(path)).toHaveLength(4096);
});

test("a missing file, a folder and a size of nothing are refused", () => {
  expect(() => native().mapFile(join(dir, "missing"))).toThrow(/expected to open .*missing, got: No such file/);
  expect(() => native().mapFile(dir)).toThrow("expected a regular file");
  expect(() => native().mapFileWritable(join(dir, "zero"), 0)).toThrow(
    "expected a whole number of at least 1 for sizeBytes",
  );
  try {
    native().mapFile(join(dir, "missing"));
  } catch (error) {
    expect((error as { code: string }).code).toBe("native-io");
  }
});
