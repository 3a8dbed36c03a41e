// Spill files: what is appended piece by piece is one column, and damage is seen.
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { digestFile } from "#src/base/digest.js";
import { Spill, SpillWriter, withSpill, writeSpill, writeSpillRows } from "#src/formats/spill.js";

const dir = mkdtempSync(join(tmpdir(), "millrace-spill-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const path = join(dir, "x.spill");

test("columns appended in any pieces read back whole and by ranges", async () => {
  const pieces = fc.array(fc.array(fc.nat({ max: 2 ** 32 - 1 }), { maxLength: 40 }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(pieces, fc.nat(), fc.nat(), async (parts, a, b) => {
      const values = parts.flat();
      const written = await writeSpillRows(path, "test", async (writer) => {
        await writer.append({ small: new Uint32Array(0), wide: new BigUint64Array(0) });
        for (const part of parts) {
          await writer.append({ small: Uint32Array.from(part), wide: BigUint64Array.from(part, BigInt) });
        }
        await writer.append({ bytes: Uint8Array.of(1, 2, 3) });
      });
      expect(await digestFile(path)).toEqual({ sizeBytes: written.sizeBytes, digest: written.digest });
      const [begin, end] = [Math.min(a, b, values.length), Math.min(Math.max(a, b), values.length)];
      withSpill(path, "test", (spill) => {
        expect([...spill.column("small", "u32")]).toEqual(values);
        expect([...spill.column("wide", "u64")]).toEqual(values.map(BigInt));
        expect([...spill.column("bytes", "u8")]).toEqual([1, 2, 3]);
        expect([...spill.range("small", "u32", begin, end)]).toEqual(values.slice(begin, end));
      });
    }),
    { numRuns: 50 },
  );
});

test("columns larger than what is gathered are chunks of their own", async () => {
  const large = Uint32Array.from({ length: 2 ** 20 + 5 }, (_, i) => i);
  await writeSpillRows(path, "test", async (writer) => {
    for (const part of [Uint32Array.of(7), large, Uint32Array.of(8), large]) await writer.append({ values: part });
  });
  withSpill(path, "test", (spill) => {
    expect(spill.length("values")).toBe(2 * large.length + 2);
    const whole = spill.column("values", "u32");
    expect([whole[0], whole[1], whole[large.length + 1], whole[large.length + 2]]).toEqual([7, 0, 8, 0]);
    const across = spill.readInto("values", large.length - 1, new Uint32Array(5));
    expect([...across]).toEqual([large.length - 2, large.length - 1, 8, 0, 1]);
  });
});

test("nothing remains of a file that was not finished", async () => {
  const unfinished = join(dir, "unfinished.spill");
  const failing = writeSpillRows(unfinished, "test", async (writer) => {
    await writer.append({ values: Uint32Array.of(1) });
    throw new Error("no more");
  });
  await expect(failing).rejects.toThrow("no more");
  expect(readdirSync(dir).filter((name) => name.includes("unfinished"))).toEqual([]);
});

test("a column has one type", async () => {
  const writer = await SpillWriter.open(join(dir, "types.spill"), "test");
  await writer.append({ values: Uint32Array.of(1) });
  await expect(writer.append({ values: Uint8Array.of(1) })).rejects.toThrow("expected u32 for column values");
  await writer.abort();
});

describe("damage is seen", () => {
  const columns = { values: Uint32Array.from({ length: 1000 }, (_, i) => i) };
  const damaged = { code: "spill-damaged" };
  const changed = (change: (bytes: Buffer) => void): void => {
    const bytes = readFileSync(path);
    change(bytes);
    writeFileSync(path, bytes);
  };

  test("in a value, when its column is read whole", async () => {
    await writeSpill(path, "test", columns);
    changed((bytes) => {
      bytes[64 + 400]! ^= 1;
    });
    expect(() => withSpill(path, "test", (spill) => spill.column("values", "u32"))).toThrow(
      expect.objectContaining(damaged),
    );
  });

  test("in the size, the magic, the kind and the names", async () => {
    await writeSpill(path, "test", columns);
    const { length } = readFileSync(path);
    expect(() => Spill.open(path, "other")).toThrow(expect.objectContaining(damaged));
    withSpill(path, "test", (spill) => {
      expect(() => spill.column("missing", "u32")).toThrow(expect.objectContaining(damaged));
      expect(() => spill.column("values", "u64")).toThrow(expect.objectContaining(damaged));
      expect(() => spill.range("values", "u32", 900, 1001)).toThrow(expect.objectContaining(damaged));
    });
    changed((bytes) => {
      bytes[length - 1]! ^= 1;
    });
    expect(() => Spill.open(path, "test")).toThrow(expect.objectContaining(damaged));
    truncateSync(path, length - 1);
    expect(() => Spill.open(path, "test")).toThrow(expect.objectContaining(damaged));
    truncateSync(path, 10);
    expect(() => Spill.open(path, "test")).toThrow(expect.objectContaining(damaged));
  });
});
