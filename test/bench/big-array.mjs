// A JSON array of any size on a single line, whose bytes can be had from any position on without making those before: a page
// of documents is made once and repeated, each copy with ids of its own. As a web crawl has them, a document carries the
// page it came from beside its text, and most texts are too short for the paper's length rule.
//
//   [  page 0  ,  page 1  ,  ...  ]        a page: document,document,...,document       an id: twelve digits
//
// Deterministic for a size and a share. As a script: node test/bench/big-array.mjs OUT MEGABYTES [SHARE OF LONG TEXTS]
import { closeSync, openSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { generator, paragraphsOfBooks } from "./corpus.mjs";

const PAGE_DOCUMENTS = 4096;
const ID_DIGITS = 12;
const NO_ID = "#".repeat(ID_DIGITS);
/** A short text has less than 128 GPT-2 tokens, a long one more. */
const SHORT_CHARACTERS = 300;
const LONG_PARAGRAPHS = 6;

function pageText(paragraphs, shareLong, between) {
  const random = generator(1);
  const pick = (list) => list[Math.floor(random() * list.length)];
  return Array.from({ length: PAGE_DOCUMENTS }, (_, i) => {
    const long = Array.from({ length: LONG_PARAGRAPHS }, () => pick(paragraphs)).join("\n\n");
    const text = random() < shareLong ? long : long.slice(0, Math.floor(SHORT_CHARACTERS * random()));
    const html = `<!doctype html>\n<html><body class="page">\n<p>${long.replaceAll("\n\n", '</p>\n<p dir="ltr">')}</p></body></html>`;
    const url = `https://site-${i % 97}.example/${i.toString(36)}`;
    return JSON.stringify({ id: NO_ID, url, fetched: { at: 1.7e9 + i, ok: true, tags: ["a", null] }, text, html });
  }).join(between);
}

/**
 * @param {object} options
 * @param {number} options.sizeBytes at least so many bytes
 * @param {number} options.shareLong of the documents that the length rule keeps
 * @param {boolean} [options.lines] the same documents as JSON lines, a line end in the place of every bracket and comma
 */
export async function bigArray({ sizeBytes, shareLong, lines = false }) {
  const [open, between, close] = lines ? ["\n", "\n", "\n"] : ["[", ",", "]"];
  const page = Buffer.from(pageText(await paragraphsOfBooks(), shareLong, between));
  const idsAt = [];
  for (let at = page.indexOf(NO_ID); at >= 0; at = page.indexOf(NO_ID, at + ID_DIGITS)) idsAt.push(at);
  if (idsAt.length !== PAGE_DOCUMENTS) throw new Error(`expected ${PAGE_DOCUMENTS} ids in a page, got ${idsAt.length}`);
  // What stands before a page: the bracket of the array, or a comma.
  const stride = page.length + 1;
  const numPages = Math.max(1, Math.ceil(sizeBytes / stride));
  const total = numPages * stride + 1;

  /** Number of the first id at or behind `position` of the page. */
  const firstAt = (position) => {
    let [low, high] = [0, idsAt.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (idsAt[middle] < position) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  /** Sets the ids of copy `number` that touch [from, to) of the page; it begins at `into` of the buffer. */
  const writeIds = (buffer, into, number, from, to) => {
    for (let i = Math.max(0, firstAt(from) - 1); i < idsAt.length && idsAt[i] < to; i += 1) {
      const begin = Math.max(from, idsAt[i]);
      const end = Math.min(to, idsAt[i] + ID_DIGITS);
      if (begin >= end) continue;
      const id = String(number * PAGE_DOCUMENTS + i).padStart(ID_DIGITS, "0");
      buffer.write(id.slice(begin - idsAt[i], end - idsAt[i]), into + begin - from, "latin1");
    }
  };

  return {
    sizeBytes: total,
    numDocuments: numPages * PAGE_DOCUMENTS,
    /** Fills the buffer with the bytes from `start` on; it must not reach beyond the end. */
    fill(buffer, start) {
      for (let at = 0; at < buffer.length; ) {
        const position = start + at;
        const number = Math.floor(position / stride);
        const inStride = position - number * stride;
        if (inStride === 0) {
          buffer[at] = (number === 0 ? open : number === numPages ? close : between).charCodeAt(0);
          at += 1;
          continue;
        }
        const from = inStride - 1;
        const to = Math.min(page.length, from + buffer.length - at);
        page.copy(buffer, at, from, to);
        writeIds(buffer, at, number, from, to);
        at += to - from;
      }
    },
  };
}

export async function writeBigArray(path, options) {
  const array = await bigArray(options);
  const file = openSync(path, "w");
  const buffer = Buffer.allocUnsafe(2 ** 23);
  for (let start = 0; start < array.sizeBytes; start += buffer.length) {
    const piece = buffer.subarray(0, array.sizeBytes - start);
    array.fill(piece, start);
    writeSync(file, piece);
  }
  closeSync(file);
  return array;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [path, megabytes, shareLong = "0.1"] = process.argv.slice(2);
  const options = { sizeBytes: Number(megabytes) * 1e6, shareLong: Number(shareLong) };
  const { sizeBytes, numDocuments } = await writeBigArray(path, options);
  console.log(`${sizeBytes} bytes, ${numDocuments} documents`);
}
