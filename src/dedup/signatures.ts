// Phase "signatures" (map over blocks): reads each document once and spills what the later phases compare.

import { readOptionsOf } from "../formats/read-fields.js";
import { countRejected } from "../formats/rejected.js";
import { writeSpill } from "../formats/spill.js";
import { native, type SignatureOptions } from "../native.js";
import type { BlockRef, ReadOptions } from "../records/block-reader.js";
import type { DocumentBlock } from "../records/document-block.js";
import type { Phase, TaskContext, TaskResult } from "../records/stage.js";
import { type DedupConfig, shinglingOf } from "./config.js";
import type { SignedBlock } from "./numbering.js";
import { spillPath } from "./spills.js";

interface SignArgs {
  readonly ref: BlockRef;
  readonly read: ReadOptions;
  readonly options: Omit<SignatureOptions, "seed"> & { readonly seed: number };
}

const NEWLINE = 0x0a;

export const signaturesPhase: Phase<DedupConfig> = {
  name: "signatures",
  kind: "map",
  async *plan({ config, reader, inputs }, isDone) {
    const { bands, rows, seed, simd } = config;
    const read = readOptionsOf(config);
    const options = { ...shinglingOf(config), bands, rows, seed, simd };
    for await (const { ref, payload } of reader.plan(inputs, read, isDone)) {
      const args = { ref: { ...ref }, read: { ...read }, options };
      yield { id: ref.id, run: "dedup/sign", args, payload, sizeBytes: ref.end - ref.start };
    }
  },
};

export async function sign(
  args: SignArgs,
  { workDir, reader }: TaskContext,
  payload?: ArrayBuffer,
): Promise<TaskResult> {
  const { ref, read, options } = args;
  const { block, rejected, numLines } = await reader.read(ref, read, payload);
  const { numDocuments } = block;
  const signed = native().signDocuments(block.text, block.textOffsets, { ...options, seed: BigInt(options.seed) });
  const bands = Array.from({ length: options.bands }, (_, band) => [
    `band-${band}`,
    signed.bandKeys.subarray(band * numDocuments, (band + 1) * numDocuments),
  ]);
  const output = await writeSpill(spillPath(workDir, "signatures", ref.id), "signatures", {
    contentHashes: signed.contentHashes,
    textHashes: signed.textHashes,
    normalizedBytes: signed.normalizedBytes,
    lineBytes: lineBytes(ref, block),
    idHashes: native().hashRows(block.id, block.idOffsets),
    idOffsets: block.idOffsets,
    ids: block.id,
    ...(Object.fromEntries(bands) as Record<string, BigUint64Array>),
  });
  const counts = {
    documents_read: numDocuments + rejected.length,
    bytes_read: ref.end - ref.start,
    ...countRejected(rejected),
  };
  const data: SignedBlock = { id: ref.id, numDocuments, numLines };
  return { outputs: [output], counts, data };
}

/** Bytes of each document's line in kept.jsonl, line end included: known here, so that blocks can be written in parallel. */
function lineBytes(ref: BlockRef, block: DocumentBlock): Uint32Array {
  if (ref.format === "jsonl") return block.recordLength.map((length) => length + 1);
  const lines = formatLines(block, new Uint8Array(block.numDocuments).fill(1));
  const lengths = new Uint32Array(block.numDocuments);
  for (let i = 0, begin = 0; i < lengths.length; i += 1) {
    const end = lines.indexOf(NEWLINE, begin) + 1;
    lengths[i] = end - begin;
    begin = end;
  }
  return lengths;
}

/** Documents of files that are not JSON lines become such. */
export function formatLines(block: DocumentBlock, keep: Uint8Array): Uint8Array {
  return native().formatJsonl(block, keep);
}
