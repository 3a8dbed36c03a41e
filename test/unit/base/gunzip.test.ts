// What a gzip stream gives before its damage: everything, however it is cut into chunks.
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { DamagedStream } from "#src/base/damaged-stream.js";
import { decompress } from "#src/base/decompress.js";

/** Compressible and not the same anywhere. */
function textOf(sizeBytes: number): Buffer {
  const lines = Array.from({ length: Math.ceil(sizeBytes / 12) }, (_, i) => `line ${i} ${(i * 7919) % 10007} and\n`);
  return Buffer.from(lines.join("")).subarray(0, sizeBytes);
}

function junkOf(sizeBytes: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: sizeBytes }, (_, i) => 1 + ((i * 31) % 251)));
}

async function decompressed(compressed: Uint8Array, chunkBytes: number) {
  const pieces: Uint8Array[] = [];
  let damage: unknown;
  const open = async function* (): AsyncIterable<Uint8Array> {
    for (let at = 0; at < compressed.length; at += chunkBytes) yield compressed.subarray(at, at + chunkBytes);
  };
  try {
    for await (const piece of decompress(open, "gzip")) pieces.push(piece);
  } catch (error) {
    damage = error;
  }
  return { bytes: Buffer.concat(pieces), damage };
}

const CHUNKS = [977, 2 ** 20];

describe("behind sound members", () => {
  test.each([0, 1_000_000])("junk of any size loses none of %i bytes", async (sizeBytes) => {
    const text = textOf(sizeBytes);
    for (const junkBytes of [1, 2 ** 20]) {
      const members = Buffer.concat([gzipSync(text), gzipSync("more")]);
      for (const chunkBytes of CHUNKS) {
        const { bytes, damage } = await decompressed(Buffer.concat([members, junkOf(junkBytes)]), chunkBytes);
        expect(bytes.equals(Buffer.concat([text, Buffer.from("more")])), `${junkBytes} in ${chunkBytes}`).toBe(true);
        // One byte may be the begin of another member.
        expect(damage).toMatchObject({ truncated: junkBytes === 1 });
        expect(damage).toBeInstanceOf(DamagedStream);
      }
    }
  });

  test("zeros are padding, and anything behind them is damage", async () => {
    for (const zeros of [1, 10_240, 2 ** 18]) {
      for (const chunkBytes of CHUNKS) {
        const padded = Buffer.concat([gzipSync(textOf(5000)), Buffer.alloc(zeros)]);
        expect(await decompressed(padded, chunkBytes)).toEqual({ bytes: textOf(5000), damage: undefined });
        const more = await decompressed(Buffer.concat([padded, gzipSync("more")]), chunkBytes);
        expect(more).toMatchObject({ bytes: textOf(5000), damage: { truncated: false } });
      }
    }
  });
});

test("a stream that is cut off anywhere gives all that its bytes hold", async () => {
  const text = textOf(1500);
  const whole = gzipSync(text);
  let before = 0;
  for (let length = 0; length < whole.length; length += 1) {
    const { bytes, damage } = await decompressed(whole.subarray(0, length), 100);
    expect(damage).toMatchObject({ truncated: true });
    expect(bytes.equals(text.subarray(0, bytes.length))).toBe(true);
    expect(bytes.length).toBeGreaterThanOrEqual(before);
    before = bytes.length;
  }
  expect(before).toBe(text.length);
  expect(await decompressed(whole, 100)).toEqual({ bytes: text, damage: undefined });
});

test("a member that is damaged inside gives what stands before, whatever the chunks are", async () => {
  const [first, second] = [textOf(400_000), textOf(200_000)];
  const members = Buffer.concat([gzipSync(first), gzipSync(second)]);
  const damaged = Buffer.from(members);
  const at = members.length - 20_000;
  // A block of a kind that there is not, and what zlib makes of it.
  damaged.fill(0xff, at, at + 40);
  const outputs = [];
  for (const chunkBytes of CHUNKS) outputs.push(await decompressed(damaged, chunkBytes));
  for (const { bytes, damage } of outputs) {
    expect(damage).toMatchObject({ truncated: false });
    expect(bytes.equals(outputs[0]!.bytes)).toBe(true);
    // What is cut off there decodes to as much and no more.
    const sound = await decompressed(members.subarray(0, at), 1000);
    expect(bytes.subarray(0, sound.bytes.length).equals(sound.bytes)).toBe(true);
    expect(sound.bytes.length).toBeGreaterThan(first.length);
  }
  expect(gunzipSync(members).length).toBe(600_000);
});
