// The Precompiled normalizer: SentencePiece's character map, a double array over UTF-8 and the replacements, used as the
// official library does: of a grapheme of up to five bytes the shortest prefix that has a replacement replaces it all,
// otherwise each character by itself.
import type { JsonNode } from "./json-node.js";

const MOST_BYTES = 5;
const MOST_CACHED = 1 << 16;

export function precompiledNormalizer(field: JsonNode): (text: string) => string {
  const bytes = Buffer.from(field.string(), "base64");
  const trieBytes = bytes.length >= 4 ? bytes.readUInt32LE(0) : -1;
  if (trieBytes < 0 || trieBytes % 4 !== 0 || 4 + trieBytes > bytes.length || trieBytes === 0) {
    throw field.refusal("a character map of SentencePiece in base 64");
  }
  const trie = new Uint32Array(trieBytes / 4);
  for (let i = 0; i < trie.length; i += 1) trie[i] = bytes.readUInt32LE(4 + 4 * i);
  const replacements = bytes.subarray(4 + trieBytes);
  const cached = new Map<string, string | null>();
  const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" });

  const replacementOf = (part: string): string | null => {
    const known = cached.get(part);
    if (known !== undefined) return known;
    const place = shortestPrefix(trie, Buffer.from(part));
    let found: string | null = null;
    if (place !== undefined && place <= replacements.length) {
      const end = replacements.indexOf(0, place);
      found = replacements.toString("utf8", place, end < 0 ? replacements.length : end);
    }
    if (cached.size >= MOST_CACHED) cached.clear();
    cached.set(part, found);
    return found;
  };
  return (text) => {
    let result = "";
    for (const { segment } of segmenter.segment(text)) {
      const whole = Buffer.byteLength(segment) <= MOST_BYTES ? replacementOf(segment) : null;
      if (whole !== null) {
        result += whole;
        continue;
      }
      for (const character of segment) result += replacementOf(character) ?? character;
    }
    return result;
  };
}

/** Where the replacement of the shortest prefix that is in the double array begins. */
function shortestPrefix(trie: Uint32Array, key: Uint8Array): number | undefined {
  const offset = (unit: number): number => (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
  let node = offset(trie[0]!);
  for (const byte of key) {
    if (byte === 0) return undefined;
    node ^= byte;
    const unit = trie[node];
    if (unit === undefined || (unit & 0x800000ff) >>> 0 !== byte) return undefined;
    node ^= offset(unit);
    if (((unit >>> 8) & 1) === 1) {
      const value = trie[node];
      return value === undefined ? undefined : value & 0x7fffffff;
    }
  }
  return undefined;
}
