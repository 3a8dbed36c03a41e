import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AtomicWriter, removePartials, writeAtomically, writeFileAtomic } from "#src/base/atomic.js";
import { digestBytes, digestFile } from "#src/base/digest.js";

const folder = (): string => mkdtempSync(join(tmpdir(), "millrace-atomic-"));

describe("an atomic file", () => {
  test("has the bytes given, however they were cut, and says their digest", async () => {
    const dir = folder();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 400_000 }), { maxLength: 6 }), async (pieces) => {
        const path = join(dir, "file.bin");
        const written = await writeAtomically(path, async (writer) => {
          for (const piece of pieces) await writer.write(piece);
        });
        const whole = Buffer.concat(pieces);
        expect(readFileSync(path).equals(whole)).toBe(true);
        expect(written).toEqual({ path, sizeBytes: whole.length, digest: digestBytes(whole) });
        expect(await digestFile(path)).toEqual({ sizeBytes: whole.length, digest: written.digest });
      }),
      { numRuns: 15 },
    );
    expect(readdirSync(dir)).toEqual(["file.bin"]);
  });

  test("does not exist before it is committed, and the old one stays until then", async () => {
    const path = join(folder(), "deep/er/file.txt");
    const first = await AtomicWriter.open(path);
    await first.write("old");
    expect(existsSync(path)).toBe(false);
    await first.commit();
    const second = await AtomicWriter.open(path);
    await second.write("new");
    expect(readFileSync(path, "utf8")).toBe("old");
    await second.commit();
    expect(readFileSync(path, "utf8")).toBe("new");
  });

  test("leaves nothing when its making fails, and the old one as it was", async () => {
    const dir = folder();
    const path = join(dir, "file.txt");
    await writeFileAtomic(path, "old");
    const failing = writeAtomically(path, async (writer) => {
      await writer.write("half");
      throw new Error("disk full");
    });
    await expect(failing).rejects.toThrow("disk full");
    expect(readdirSync(dir)).toEqual(["file.txt"]);
    expect(readFileSync(path, "utf8")).toBe("old");
  });

  test("can be written twice at once; the later commit stays", async () => {
    const path = join(folder(), "file.txt");
    const [a, b] = [await AtomicWriter.open(path), await AtomicWriter.open(path)];
    await a.write("a");
    await b.write("b");
    await b.commit();
    await a.commit();
    expect(readFileSync(path, "utf8")).toBe("a");
  });

  test("of a crashed writer is swept, everything else stays", async () => {
    const dir = folder();
    mkdirSync(join(dir, "sub"));
    for (const name of [".a.txt.1-0-1.partial", "sub/.b.2-1-1.partial", "keep.partial", ".hidden", "sub/file"]) {
      writeFileSync(join(dir, name), "x");
    }
    await removePartials(dir, { below: false });
    expect(readdirSync(join(dir, "sub")).sort()).toEqual([".b.2-1-1.partial", "file"]);
    await removePartials(dir, { below: true });
    expect(readdirSync(dir, { recursive: true }).map(String).sort()).toEqual([
      ".hidden",
      "keep.partial",
      "sub",
      "sub/file",
    ]);
    await removePartials(join(dir, "nowhere"), { below: true });
  });
});
