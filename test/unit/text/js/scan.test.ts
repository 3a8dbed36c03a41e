// The js engine reads JSON lines as the native one does: the same documents, the same rejections, byte for byte.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ScanOptions } from "#src/native/read.js";
import { native } from "#src/native.js";
import { jsEngine } from "#src/text/js/engine.js";
import { file, NESTED, READ } from "./lines.js";

const variants: readonly (readonly [string, ScanOptions])[] = [
  ["plain fields", READ],
  ["fields by shared paths", NESTED],
  [
    "no id and no source, a limit, a later block",
    { ...READ, idField: "", sourceField: "", maxDocumentBytes: 20, baseOffset: 5e9, baseLine: 7 },
  ],
];

describe("scanJsonl of both engines gives equal columns", () => {
  for (const [name, options] of variants) {
    test(`of any lines, with ${name}`, () => {
      const seen = new Map<string, number>();
      fc.assert(
        fc.property(file, (bytes) => {
          const expected = native().scanJsonl(bytes, options);
          expect(jsEngine.scanJsonl(bytes, options)).toEqual(expected);
          for (const { reason } of expected.rejected) seen.set(reason, (seen.get(reason) ?? 0) + 1);
          seen.set("kept", (seen.get("kept") ?? 0) + expected.numDocuments);
        }),
        { numRuns: 2000, seed: 5 },
      );
      // The lines are worth comparing: every reason there is, and documents.
      expect(seen.get("kept")).toBeGreaterThan(200);
      expect(seen.size).toBeGreaterThan(7);
    });
  }

  test("of lines nested too deep, and just not", () => {
    for (const depth of [509, 510, 511, 512, 513, 600]) {
      const bytes = new Uint8Array(Buffer.from(`{"text":"a","x":${"[".repeat(depth)}${"]".repeat(depth)}}\n`));
      const expected = native().scanJsonl(bytes, READ);
      expect(jsEngine.scanJsonl(bytes, READ)).toEqual(expected);
      expect(expected.numDocuments).toBe(depth < 512 ? 1 : 0);
    }
  });

  test("of the JSON parsing test suite, as records and inside records", () => {
    const folder = join(
      fileURLToPath(new URL("../../../..", import.meta.url)),
      "../shared/data/json-test-suite/test_parsing",
    );
    if (!existsSync(folder)) {
      console.warn(`the JSON parsing test suite is absent: expected it at ${folder}`);
      return;
    }
    let numKept = 0;
    for (const name of readdirSync(folder)) {
      const content = readFileSync(join(folder, name));
      const inside = Buffer.concat([Buffer.from('{"text":"a","x":'), content, Buffer.from("}\n")]);
      for (const bytes of [content, inside].map((buffer) => new Uint8Array(buffer))) {
        const expected = native().scanJsonl(bytes, READ);
        expect(jsEngine.scanJsonl(bytes, READ), name).toEqual(expected);
        numKept += expected.numDocuments;
      }
    }
    expect(numKept).toBeGreaterThan(80);
  });

  test("is seen to fail where one of the two reads another field", () => {
    const bytes = new Uint8Array(Buffer.from('{"text":"a","body":"b"}\n'));
    expect(jsEngine.scanJsonl(bytes, { ...READ, textField: "body" })).not.toEqual(native().scanJsonl(bytes, READ));
  });
});

test("formatJsonl of both engines writes equal lines, also of fields that bear the names of others", () => {
  fc.assert(
    fc.property(file, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), (bytes, keeps) => {
      const block = native().scanJsonl(bytes, { ...NESTED, textField: "text" });
      const keep = Uint8Array.from({ length: block.numDocuments }, (_, i) => (keeps[i % keeps.length] ? 1 : 0));
      expect(Buffer.from(jsEngine.formatJsonl(block, keep)).toString()).toBe(
        Buffer.from(native().formatJsonl(block, keep)).toString(),
      );
    }),
    { numRuns: 1000, seed: 6 },
  );
});
