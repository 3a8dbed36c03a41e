// The total order of docs/formats/dedup.md: which of two documents comes first, and why. The policy's own key stands in the
// documents' table; what decides between equals is worked out only for two documents at a time.
import type { Shingling } from "../native/dedup.js";
import { hashBytes, newHash } from "../text/js/hashes.js";
import { Shingler } from "../text/js/shingles.js";
import type { Word64 } from "../text/js/word64.js";
import { normalizedText } from "../text/units.js";
import type { Policy } from "./dedup-output.js";

/** What the order looks at. */
export interface Ordered {
  readonly id: string;
  readonly text: string;
  readonly source: string;
  /** NaN: none. */
  readonly score: number;
  /** Number of documents before it in the input. */
  readonly position: number;
}

/** The policy's key: smaller comes first. `normalizedBytes` decides between documents of one source. */
export function rankOf(
  policy: Policy,
  { source, score, position }: Omit<Ordered, "text" | "id">,
  normalizedBytes: number,
): number {
  switch (policy.kind) {
    case "first":
      return position;
    case "longest":
      return -normalizedBytes;
    case "highest":
      return Number.isNaN(score) ? Number.POSITIVE_INFINITY : Math.min(-score, Number.MAX_VALUE);
    case "lowest":
      return Number.isNaN(score) ? Number.POSITIVE_INFINITY : Math.min(score, Number.MAX_VALUE);
    case "source": {
      const listed = policy.sources.indexOf(source);
      // Exact: fewer than 2^16 sources, fewer than 2^32 bytes.
      return (listed < 0 ? policy.sources.length : listed) * 2 ** 32 - normalizedBytes;
    }
  }
}

/** Less than 0: `a` comes first. For documents of the same rank, by the hash of their content, of their text, and by id. */
export function compareEquals(a: Ordered, b: Ordered, shingling: Shingling): number {
  if (normalizedText(a.text, shingling.unit) !== normalizedText(b.text, shingling.unit)) {
    const [contentA, contentB] = [contentOf(a.text, shingling), contentOf(b.text, shingling)];
    return compareWords(contentA.low, contentB.low) || compareWords(contentA.high, contentB.high);
  }
  if (a.text !== b.text) {
    const byText = compareWords(textHashOf(a.text), textHashOf(b.text));
    if (byText !== 0) return byText;
  }
  return Buffer.compare(Buffer.from(a.id), Buffer.from(b.id));
}

function contentOf(text: string, shingling: Shingling): Shingler["content"] {
  const shingler = new Shingler(shingling);
  shingler.shingle(Buffer.from(text));
  return shingler.content;
}

function textHashOf(text: string): Word64 {
  const bytes = Buffer.from(text);
  const out = newHash();
  hashBytes(bytes, 0, bytes.length, out);
  return out.low;
}

/** As unsigned 64-bit numbers. */
function compareWords(a: Word64, b: Word64): number {
  return (a.high >>> 0) - (b.high >>> 0) || (a.low >>> 0) - (b.low >>> 0);
}
