// model.safetensors of a checkpoint as a person or a tool sees it: what it holds, and whether its bytes are those that were
// written. Needs no trainer. docs/formats/checkpoint.md
import { join } from "node:path";
import { invalid } from "../base/errors.js";
import { WEIGHTS_NAME } from "./checkpoint.js";
import { SafetensorsFile } from "./safetensors.js";

const CHECKSUM = "crc32";
const NO_CHECKSUM = "00000000";
const PARAMETER_PREFIX = "parameter.";

export interface WeightsTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly sizeBytes: number;
  /** As the file states it, eight hexadecimal digits; undefined in a file of another writer. */
  readonly crc32: string | undefined;
}

export interface Weights {
  /** Steps, updates, seed, architecture and the state of the loss scale, as texts; no checksums. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Elements of the parameters, without padding. */
  readonly numParameters: number;
  readonly tensors: readonly WeightsTensor[];
}

/** CRC-32 of bytes that follow those of which `before` is the checksum. */
export type Crc32 = (bytes: Uint8Array, before: number) => number;

export async function readWeights(dir: string): Promise<Weights> {
  return withFile(dir, async (file) => {
    const tensors = [...file.tensors.values()].map(({ name, dtype, shape, begin, end }) => {
      return { name, dtype, shape, sizeBytes: end - begin, crc32: file.metadata[`${CHECKSUM}.${name}`] };
    });
    const metadata = Object.fromEntries(Object.entries(file.metadata).filter(([key]) => !key.startsWith(CHECKSUM)));
    return { metadata, numParameters: countElements(tensors), tensors };
  });
}

function countElements(tensors: readonly WeightsTensor[]): number {
  return tensors
    .filter(({ name }) => name.startsWith(PARAMETER_PREFIX))
    .reduce((sum, { shape }) => sum + shape.reduce((product, extent) => product * extent, 1), 0);
}

/** Reads every byte; throws `checkpoint-damaged` naming the first tensor, or the header, that is not what was written. */
export async function verifyWeights(dir: string, crc32: Crc32): Promise<void> {
  await withFile(dir, async (file) => {
    requireChecksum(file, "the header", file.metadata[CHECKSUM], crc32(withoutChecksum(file), 0));
    for (const tensor of file.tensors.values()) {
      let found = 0;
      for await (const piece of file.readPieces(tensor)) found = crc32(piece, found);
      requireChecksum(file, tensor.name, file.metadata[`${CHECKSUM}.${tensor.name}`], found);
    }
  });
}

/** The header's own checksum is computed with zeros in its place. */
function withoutChecksum({ header, metadata }: SafetensorsFile): Uint8Array {
  const text = Buffer.from(header).toString("latin1");
  const entry = (value: string | undefined) => `"${CHECKSUM}":"${value}"`;
  return Buffer.from(text.replace(entry(metadata[CHECKSUM]), entry(NO_CHECKSUM)), "latin1");
}

function requireChecksum({ path }: SafetensorsFile, name: string, expected: string | undefined, found: number): void {
  const text = found.toString(16).padStart(8, "0");
  if (text === expected) return;
  throw invalid("checkpoint-damaged", `expected checksum ${expected ?? "of eight digits"} for ${name}, got ${text}`, {
    where: { file: path },
    hint: "go on from the checkpoint before, or restore the file",
  });
}

async function withFile<R>(dir: string, body: (file: SafetensorsFile) => Promise<R>): Promise<R> {
  const file = await SafetensorsFile.open(join(dir, WEIGHTS_NAME));
  try {
    return await body(file);
  } finally {
    await file.close();
  }
}
