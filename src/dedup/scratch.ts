// Large arrays that the tasks of one worker use one after another: on fresh memory the first touch of a page costs more
// than the work on it.

type Name = "column" | "hashes" | "documents" | "hashScratch" | "documentScratch" | "pairs" | "sets";

export class Scratch {
  static readonly #free: Scratch[] = [];
  readonly #buffers = new Map<Name, ArrayBuffer>();

  /** Tasks that overlap in one thread get one each. */
  static async use<R>(work: (scratch: Scratch) => Promise<R>): Promise<R> {
    const scratch = Scratch.#free.pop() ?? new Scratch();
    try {
      return await work(scratch);
    } finally {
      Scratch.#free.push(scratch);
    }
  }

  /** `length` elements that hold anything; the array of that name that was given before is this one. */
  u64(name: Name, length: number): BigUint64Array {
    return new BigUint64Array(this.#buffer(name, length * 8), 0, length);
  }

  u32(name: Name, length: number): Uint32Array {
    return new Uint32Array(this.#buffer(name, length * 4), 0, length);
  }

  #buffer(name: Name, bytes: number): ArrayBuffer {
    let buffer = this.#buffers.get(name);
    if (buffer === undefined || buffer.byteLength < bytes) {
      // The old one is garbage before the new one is made. Pages that are never touched take no memory.
      this.#buffers.delete(name);
      buffer = new ArrayBuffer(2 ** Math.ceil(Math.log2(Math.max(bytes, 8))));
      this.#buffers.set(name, buffer);
    }
    return buffer;
  }
}
