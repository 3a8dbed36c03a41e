// Which documents are held out: a function of the document's id and a seed alone, so that neither the order of documents nor
// the size of blocks nor what else is in the corpus moves one from side to side.
import { digestBytes } from "../base/digest.js";

const SEED_BYTES = 8;

/** XXH64 of (seed as 8 little-endian bytes, id): its upper 53 bits as a number from 0 to 1, held out below `fraction`. */
export function isHeldOut(id: Uint8Array, fraction: number, seed: number): boolean {
  const bytes = new Uint8Array(SEED_BYTES + id.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(seed), true);
  bytes.set(id, SEED_BYTES);
  const hash = BigInt(`0x${digestBytes(bytes).slice("xxh64:".length)}`);
  return Number(hash >> 11n) < fraction * 2 ** 53;
}
