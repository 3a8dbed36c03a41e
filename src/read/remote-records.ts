// Chosen records of a remote file: the ranges of a piece are asked for side by side.
import { openStored } from "../base/storage/index.js";
import type { BlockRef, RecordPiece } from "../records/block-reader.js";
import { type Layout, layOut } from "./record-pieces.js";

const PIECE_BYTES = 8 * 2 ** 20;
/** A request costs about as much as so many bytes do. */
const MAX_GAP_BYTES = 2 ** 20;
const REQUESTS_AT_A_TIME = 8;

/** As fileRecords does for a file of this machine. */
export async function* remoteRecords(
  { file: path, version }: Pick<BlockRef, "file" | "version">,
  offsets: Float64Array,
  lengths: Uint32Array,
  cutShort: (position: number) => Error,
): AsyncIterable<RecordPiece> {
  if (offsets.length === 0) return;
  const file = await openStored(path, version);
  const fill = async (buffer: Uint8Array, { position, into, length }: Layout["ranges"][number]): Promise<void> => {
    const got = await file.read(buffer.subarray(into, into + length), position);
    if (got < length) throw cutShort(position + got);
  };
  try {
    for (let first = 0; first < offsets.length; ) {
      const { begins, sizeBytes, ranges } = layOut(offsets, lengths, first, PIECE_BYTES, MAX_GAP_BYTES);
      const buffer = new Uint8Array(sizeBytes);
      for (let at = 0; at < ranges.length; at += REQUESTS_AT_A_TIME) {
        await Promise.all(ranges.slice(at, at + REQUESTS_AT_A_TIME).map((range) => fill(buffer, range)));
      }
      const end = first + begins.length;
      yield { bytes: buffer, begins, lengths: lengths.subarray(first, end) };
      first = end;
    }
  } finally {
    await file.close();
  }
}
