// Makes JSON lines of OpenWebText as it is distributed: openwebtext.tar.xz holds archives, each of them text files, one a page.
//   tar -xf openwebtext.tar.xz
//   for part in openwebtext/*.xz; do xz -dc "$part"; done | node datasets/openwebtext/pack.mjs > corpora/openwebtext.jsonl
// Reads tar archives, one behind another, from standard input. A page has the name of its file as id, and no address.
import { isUtf8 } from "node:buffer";
import { pathToFileURL } from "node:url";

const BLOCK = 512;
const REGULAR = new Set(["0", "\0"]);
/** Longer than a page can be: a file of this size means that this is no archive of pages. */
const MAX_FILE_BYTES = 2 ** 28;

/** Hands out exactly as many bytes as are asked for. */
class ByteQueue {
  #chunks;
  #held = Buffer.alloc(0);

  constructor(chunks) {
    this.#chunks = chunks[Symbol.asyncIterator]?.() ?? chunks[Symbol.iterator]();
  }

  /** Undefined where nothing is left; throws in the middle. */
  async take(size) {
    const parts = [this.#held];
    let length = this.#held.length;
    while (length < size) {
      const { done, value } = await this.#chunks.next();
      if (done) break;
      parts.push(value);
      length += value.length;
    }
    if (length === 0 && size > 0) return undefined;
    if (length < size) throw new Error(`expected ${size} more bytes of the archive, got its end after ${length}`);
    const all = parts.length === 1 ? parts[0] : Buffer.concat(parts);
    this.#held = all.subarray(size);
    return all.subarray(0, size);
  }
}

function field(header, begin, end) {
  const bytes = header.subarray(begin, end);
  const stop = bytes.indexOf(0);
  return bytes.subarray(0, stop < 0 ? undefined : stop).toString("latin1");
}

/** The header's own checksum: the sum of its bytes, those of the checksum as spaces. */
function isHeader(header) {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i += 1) if (i < 148 || i >= 156) sum += header[i];
  return Number.parseInt(field(header, 148, 156).trim(), 8) === sum;
}

/** Names and contents of the regular files in tar archives that stand one behind another (POSIX 1003.1, ustar). */
export async function* filesOf(chunks) {
  const queue = new ByteQueue(chunks);
  for (let header = await queue.take(BLOCK); header !== undefined; header = await queue.take(BLOCK)) {
    if (header.every((byte) => byte === 0)) continue;
    if (!isHeader(header)) throw new Error("expected the header of a file in a tar archive, got something else");
    const size = Number.parseInt(field(header, 124, 136).trim(), 8);
    if (!(size <= MAX_FILE_BYTES)) throw new Error(`expected a file of at most ${MAX_FILE_BYTES} bytes, got ${size}`);
    const name = field(header, 0, 100);
    const type = String.fromCharCode(header[156]);
    const padded = size === 0 ? Buffer.alloc(0) : await queue.take(Math.ceil(size / BLOCK) * BLOCK);
    if (padded === undefined) throw new Error(`expected the content of ${name}, got the end of the archive`);
    if (REGULAR.has(type)) yield { name, content: padded.subarray(0, size) };
  }
}

/** Records of `{id, text}`. A file that is not UTF-8 is told to `refuse` and left out: JSON could not hold it. */
export async function* pagesOf(chunks, refuse) {
  for await (const { name, content } of filesOf(chunks)) {
    if (!isUtf8(content)) {
      refuse(name);
      continue;
    }
    const id = name.slice(name.lastIndexOf("/") + 1).replace(/\.txt$/, "");
    yield { id, text: content.toString("utf8") };
  }
}

async function main() {
  const refuse = (name) => process.stderr.write(`left out, not UTF-8: ${name}\n`);
  for await (const page of pagesOf(process.stdin, refuse)) {
    if (!process.stdout.write(`${JSON.stringify(page)}\n`))
      await new Promise((done) => process.stdout.once("drain", done));
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
