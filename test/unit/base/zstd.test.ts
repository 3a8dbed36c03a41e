// Zstandard streams give their content whole, in any slices; what is damaged or cut short is seen.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { DamagedStream } from "#src/base/damaged-stream.js";
import { decompress, decompressFileSync } from "#src/base/decompress.js";
import { digestFile } from "#src/base/digest.js";
import { forEachLine } from "#src/base/lines.js";
import { streamStored } from "#src/base/storage/index.js";
import { Unzstd } from "#src/base/zstd.js";
import { DEFAULT_READ_OPTIONS } from "#src/formats/corpus.js";
import { createBlockReader } from "#src/read/index.js";

const folder = mkdtempSync(join(tmpdir(), "zstd-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const content = Array.from({ length: 40 }, (_, i) => `{"text": "a line of text that is alike, number ${i}"}\n`).join(
  "",
);
/** `content` as libzstd's level 19 writes it, with its size and a checksum. */
const frame = Buffer.from(
  "KLUv/WQWBy0EALIFFBiAqw7UQU+AtGBmXCakwS13k2IJyYXtlAXo0ecaW6p5Uz/X2FLNm/i5xpZq3n2usaWaFz2arkThYJADsZAG/CI/ITH/IXlEpHGoD3Q2" +
    "caoTKKgRoLN/FwPQU8sBETAE//9/1A8AIAAAwg0AQEAktAAAAJS4MgLazbGdWxRjJVYKIH8A5/0A",
  "base64",
);

function decoded(bytes: Uint8Array, slice = bytes.length): string {
  const decoder = new Unzstd();
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += slice) pieces.push(...decoder.push(bytes.subarray(at, at + slice)));
  decoder.end();
  return Buffer.concat(pieces).toString();
}

/** A frame of raw and repeated blocks, without a size or checksum. */
function plainFrame(raw: string, repeated: number): Buffer {
  const header = (last: number, type: number, size: number): Buffer => {
    const bytes = Buffer.alloc(3);
    bytes.writeUIntLE(last | (type << 1) | (size << 3), 0, 3);
    return bytes;
  };
  return Buffer.concat([
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x38]),
    header(0, 0, raw.length),
    Buffer.from(raw),
    header(1, 1, repeated),
    Buffer.from("r"),
  ]);
}

const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

test("frames, skipped ones between them, are one stream in slices of any size", () => {
  const stream = Buffer.concat([frame, skippable, plainFrame("raw", 5), plainFrame("", 0), frame]);
  for (const slice of [1, 2, 7, 100, 5000]) expect(decoded(stream, slice)).toBe(`${content}rawrrrrr${content}`);
  expect(decoded(plainFrame("", 0))).toBe("");
});

test("a stream that is cut off anywhere, or followed by other bytes, gives all whole blocks before", async () => {
  // The decoder wants to see 18 bytes of a frame before it begins.
  const block = "a block of more than that";
  const stream = Buffer.concat([frame, plainFrame(block, 5)]);
  const given = async (bytes: Uint8Array, slice: number) => {
    const pieces: Uint8Array[] = [];
    const open = async function* (): AsyncIterable<Uint8Array> {
      for (let at = 0; at < bytes.length; at += slice) yield bytes.subarray(at, at + slice);
    };
    let damage: unknown;
    try {
      for await (const piece of decompress(open, "zstd")) pieces.push(piece);
    } catch (error) {
      damage = error;
    }
    return { text: Buffer.concat(pieces).toString(), damage };
  };
  // The one block of the first frame ends before its checksum, the raw block behind seven more bytes and its own header.
  const raw = frame.length + 6 + 3 + block.length;
  for (let length = 1; length < stream.length; length += 1) {
    const least = length < frame.length - 4 ? "" : length < raw ? content : content + block;
    for (const slice of [1, 7, length]) {
      const { text, damage } = await given(stream.subarray(0, length), slice);
      expect(text, `${length} in ${slice}`).toBe(least);
      if (length !== frame.length) expect(damage).toMatchObject({ truncated: true });
    }
  }
  const behind = await given(Buffer.concat([stream, Buffer.alloc(5000, "x")]), 4096);
  expect(behind).toMatchObject({ text: `${content}${block}rrrrr`, damage: { truncated: false } });
});

test("no bytes at all are a stream that was cut short", () => {
  expect(() => decoded(Buffer.alloc(0))).toThrow("unexpected end");
});

test("a stream that ends anywhere but behind a frame is cut short", () => {
  for (let end = 1; end < frame.length; end += 1) {
    expect(() => decoded(frame.subarray(0, end))).toThrow(DamagedStream);
  }
  expect(() => decoded(skippable.subarray(0, 9))).toThrow(DamagedStream);
});

test("no byte of a frame with a checksum can be changed unseen", () => {
  const changed = (at: number): Buffer => {
    const bytes = Buffer.from(frame);
    bytes[at]! ^= 0x11;
    return bytes;
  };
  for (let at = 0; at < frame.length; at += 1) {
    let text: string | undefined;
    try {
      text = decoded(changed(at));
    } catch (error) {
      expect(error).toBeInstanceOf(DamagedStream);
    }
    // The size of the window, or a byte that no decoder looks at, may differ.
    expect([undefined, content]).toContain(text);
  }
  expect(() => decoded(Buffer.concat([frame, Buffer.from("more")]))).toThrow("no frame begins here");
});

test("a dictionary is asked for in vain", () => {
  expect(() => decoded(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 0x38, 7, 1, 0, 0]))).toThrow("dictionary");
});

test("files give what was decoded before the damage, then the damage", async () => {
  const path = join(folder, "a.jsonl.zst");
  writeFileSync(path, Buffer.concat([frame, frame.subarray(0, 60)]));
  const pieces: Uint8Array[] = [];
  const reading = (async () => {
    for await (const piece of decompress(() => streamStored(path), "zstd")) pieces.push(piece);
  })();
  await expect(reading).rejects.toSatisfy((error) => error instanceof DamagedStream && error.truncated);
  expect(Buffer.concat(pieces).toString()).toBe(content);

  writeFileSync(path, frame);
  expect(decompressFileSync(path, "zstd").toString()).toBe(content);
  let numLines = 0;
  await forEachLine(path, () => (numLines += 1), { compression: "zstd" });
  expect(numLines).toBe(40);
});

test("a corpus of JSON lines reads alike plain and compressed", async () => {
  const read = async (name: string, bytes: string | Uint8Array): Promise<[string, number]> => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    const reader = createBlockReader({ blockBytes: 300, maxRecordBytes: 1000 });
    let [text, numBlocks] = ["", 0];
    for await (const { ref, payload } of reader.plan(
      [{ path, ...(await digestFile(path)) }],
      DEFAULT_READ_OPTIONS,
      () => false,
    )) {
      text += Buffer.from((await reader.read(ref, DEFAULT_READ_OPTIONS, payload)).block.text).toString();
      numBlocks += 1;
    }
    return [text, numBlocks];
  };
  const plain = await read("b.jsonl", content);
  expect(plain[1]).toBeGreaterThan(3);
  expect(await read("b.jsonl.zst", frame)).toEqual(plain);
  expect(await read("b.jsonl.zst", plainFrame("", 0))).not.toEqual(plain);
  const cut = read("c.jsonl.zst", frame.subarray(0, 60));
  await expect(cut).rejects.toMatchObject({ code: "zstd-truncated" });
  await expect(read("c.jsonl.zst", "text")).rejects.toMatchObject({ code: "zstd-damaged" });
});
