// A file that is there only if something was written to it: what most blocks have none of, such as rejected records.
import { AtomicWriter } from "../base/atomic.js";
import type { FileRef } from "../records/stage.js";

export class OptionalFile {
  readonly #path: string;
  readonly #durable: boolean;
  #writer: AtomicWriter | undefined;

  /** `durable: false`: a file between phases, which the next run makes again when it is lost. */
  constructor(path: string, { durable }: { readonly durable: boolean }) {
    this.#path = path;
    this.#durable = durable;
  }

  async write(data: Uint8Array | string): Promise<void> {
    if (data.length === 0) return;
    this.#writer ??= await AtomicWriter.open(this.#path, { durable: this.#durable });
    await this.#writer.write(data);
  }

  /** Undefined when nothing was written. */
  async commit(): Promise<FileRef | undefined> {
    return this.#writer?.commit();
  }

  async abort(): Promise<void> {
    await this.#writer?.abort();
  }
}
