// Fingerprints over tokens, ids and merges, not over the files that hold them: GPT-2's kind of byte-level BPE has one for
// vocab.json with merges.txt and for tokenizer.json, BERT's WordPiece one for vocab.txt and for tokenizer.json.
import { createHash } from "node:crypto";

/** Part of the fingerprints: raised when the same vocabulary would give other ids. */
const BYTE_LEVEL_KIND = "byte-level-bpe/3";
const WORD_PIECE_KIND = "word-piece/2";

/** `ids`: of all tokens, added ones too. `merges`: left and right token, by rank. */
export function byteLevelFingerprint(
  ids: ReadonlyMap<string, number>,
  merges: readonly (readonly [string, string])[],
  endOfDocument: string,
): string {
  return digest([BYTE_LEVEL_KIND, endOfDocument, ...inOrder(ids), ...merges]);
}

/** `uncased`: lower case without accents. */
export function wordPieceFingerprint(
  ids: ReadonlyMap<string, number>,
  uncased: boolean,
  endOfDocument: string,
): string {
  return digest([WORD_PIECE_KIND, endOfDocument, uncased, ...inOrder(ids)]);
}

function inOrder(ids: ReadonlyMap<string, number>): [number, string][] {
  const tokens = [...ids].sort(([a, aId], [b, bId]) => aId - bId || (a < b ? -1 : 1));
  return tokens.map(([token, id]) => [id, token]);
}

/** Of JSON lines. */
function digest(values: readonly unknown[]): string {
  const hash = createHash("sha256");
  for (const value of values) hash.update(`${JSON.stringify(value)}\n`);
  return `sha256:${hash.digest("hex")}`;
}
