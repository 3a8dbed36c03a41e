// Documents of an input whose recipe gives all of them one source.
import type { BlockRef, ReadPiece } from "../records/block-reader.js";

/** The piece with the source that its input has in the recipe, if any: whatever the records call theirs. */
export function withFixedSource<P extends ReadPiece>(piece: P, { fields }: Pick<BlockRef, "fields">): P {
  if (fields?.source === undefined) return piece;
  const { numDocuments } = piece.block;
  return { ...piece, block: { ...piece.block, sources: [fields.source], sourceIndex: new Uint32Array(numDocuments) } };
}

export async function* allWithFixedSource(pieces: AsyncIterable<ReadPiece>, ref: BlockRef): AsyncIterable<ReadPiece> {
  for await (const piece of pieces) yield withFixedSource(piece, ref);
}
