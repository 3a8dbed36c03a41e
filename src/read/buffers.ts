// Buffers that a thread uses again and again. Memory that a process touches for the first time costs more than reading a
// file into memory that it has: about 1 ns a byte (docs/decisions/0021-streaming-pieces.md).

/** Fits a second-level cache with room for what is made of it. */
export const PIECE_BYTES = 2 ** 20;

/** One being worked on, one being filled, for the few tasks that a test runs side by side. */
const MAX_FREE = 4;
const free: Uint8Array[] = [];

export function takeBuffer(sizeBytes = PIECE_BYTES): Uint8Array {
  return (sizeBytes === PIECE_BYTES ? free.pop() : undefined) ?? new Uint8Array(sizeBytes);
}

/** Buffers of another size, such as those that had to grow, are left to the garbage collector. */
export function giveBuffer(buffer: Uint8Array): void {
  if (buffer.length === PIECE_BYTES && free.length < MAX_FREE) free.push(buffer);
}

/** Twice the buffer or more, with its first `filled` bytes. */
export function growBuffer(buffer: Uint8Array, filled: number, least: number): Uint8Array {
  const larger = new Uint8Array(Math.max(buffer.length * 2, least));
  larger.set(buffer.subarray(0, filled));
  giveBuffer(buffer);
  return larger;
}
