// Files that exist whole or not at all: bytes go to a temporary file beside the target, which is fsynced, renamed into
// place, and made durable by an fsync of the folder. A crash leaves at most a "*.partial" file, swept by `removePartials`.
// Files whose loss the next run notices and mends may do without both fsyncs.
import { type FileHandle, link, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { threadId } from "node:worker_threads";
import { Digester } from "./digest.js";
import { makeFolders } from "./make-folders.js";

/** What was written: the same fields as records' FileRef. */
export interface WrittenFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly digest: string;
}

const PARTIAL = ".partial";
/** Small writes are gathered into one system call of this size. */
const BUFFER_BYTES = 1 << 18;
let serial = 0;

const encoder = new TextEncoder();

/** Makes renames and removals inside `dir` durable. */
export async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * A file in the making. Write in order, then `commit` (the file appears under its name) or `abort` (nothing remains).
 * One owner; calls are awaited one after another. The digest is computed on the way.
 */
export class AtomicWriter {
  readonly path: string;
  readonly #partial: string;
  readonly #file: FileHandle;
  readonly #durable: boolean;
  readonly #digester = new Digester();
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #buffered = 0;
  #written = 0;
  #open = true;

  private constructor(path: string, partial: string, file: FileHandle, durable: boolean) {
    this.path = path;
    this.#partial = partial;
    this.#file = file;
    this.#durable = durable;
  }

  /** Creates the folders on the way. `durable: false`: the file may be lost when the machine goes down, never torn otherwise. */
  static async open(path: string, { durable = true }: { readonly durable?: boolean } = {}): Promise<AtomicWriter> {
    await makeFolders(dirname(path));
    serial += 1;
    const partial = join(dirname(path), `.${basename(path)}.${process.pid}-${threadId}-${serial}${PARTIAL}`);
    return new AtomicWriter(path, partial, await open(partial, "wx"), durable);
  }

  /** Bytes given so far. */
  get sizeBytes(): number {
    return this.#written + this.#buffered;
  }

  async write(data: Uint8Array | string): Promise<void> {
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    if (this.#buffered + bytes.length > BUFFER_BYTES) await this.#flush();
    if (bytes.length > BUFFER_BYTES) {
      await this.#writeAll(bytes);
    } else {
      this.#buffer.set(bytes, this.#buffered);
      this.#buffered += bytes.length;
    }
  }

  async commit(): Promise<WrittenFile> {
    try {
      await this.#flush();
      if (this.#durable) await this.#file.sync();
      await this.#close();
      await rename(this.#partial, this.path);
    } catch (error) {
      await this.abort();
      throw error;
    }
    if (this.#durable) await syncFolder(dirname(this.path));
    return { path: this.path, sizeBytes: this.#written, digest: this.#digester.digest() };
  }

  /** Safe to call at any time, also after a failed commit. */
  async abort(): Promise<void> {
    await this.#close();
    await rm(this.#partial, { force: true });
  }

  async #flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#buffered);
    this.#buffered = 0;
    await this.#writeAll(bytes);
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    let offset = 0;
    while (offset < bytes.length) {
      const { bytesWritten } = await this.#file.write(bytes, offset, bytes.length - offset);
      offset += bytesWritten;
    }
    this.#digester.update(bytes);
    this.#written += bytes.length;
  }

  async #close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#file.close();
  }
}

/** Writes `data` as the whole content of `path`. */
export async function writeFileAtomic(path: string, data: Uint8Array | string): Promise<WrittenFile> {
  return writeAtomically(path, (writer) => writer.write(data));
}

/** Runs `produce` on a fresh writer, commits when it returns and aborts when it throws. */
export async function writeAtomically(
  path: string,
  produce: (writer: AtomicWriter) => Promise<void>,
): Promise<WrittenFile> {
  const writer = await AtomicWriter.open(path);
  try {
    await produce(writer);
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return writer.commit();
}

/** File systems without hard links, such as some network mounts, answer one of these. */
const NO_LINKS: readonly (string | undefined)[] = ["EPERM", "ENOTSUP", "ENOSYS", "EMLINK"];

/** The file under a second name, without a copy where the file system can; a file of that name is replaced. Not synced. */
export async function linkFile(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  try {
    await link(from, to);
  } catch (error) {
    if (!NO_LINKS.includes((error as NodeJS.ErrnoException).code)) throw error;
    await writeFileAtomic(to, await readFile(from));
  }
}

/** Whether a file of that name is one in the making, or what is left of one. */
export function isPartial(name: string): boolean {
  return name.startsWith(".") && name.endsWith(PARTIAL);
}

/** Removes what crashed writers left in `dir`, and below it when asked to. Call only while nobody writes there. */
export async function removePartials(dir: string, { below }: { readonly below: boolean }): Promise<void> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  for (const entry of entries) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) {
      if (below) await removePartials(path, { below });
    } else if (isPartial(entry.name)) {
      await rm(path, { force: true });
    }
  }
}
