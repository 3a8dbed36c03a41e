// The oracle of the merge loops: byte-pair encoding as its definition says, one merge at a time over the whole piece.

/** GPT-2's letter for each byte. */
export const LETTERS: readonly string[] = (() => {
  const letters: string[] = [];
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    letters.push(String.fromCodePoint(printable ? byte : next++));
  }
  return letters;
})();

export interface Vocabulary {
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly (readonly [string, string])[];
}

/** Single bytes, then one token a merge; a merge names two earlier tokens by their numbers (modulo how many there are). */
export function makeVocabulary(merges: readonly (readonly [number, number])[], alphabet = "abc"): Vocabulary {
  const tokens = [...alphabet];
  const vocab: Record<string, number> = Object.fromEntries(LETTERS.map((letter, id) => [letter, id]));
  const pairs: [string, string][] = [];
  for (const [left, right] of merges) {
    const pair: [string, string] = [tokens[left % tokens.length]!, tokens[right % tokens.length]!];
    const merged = pair.join("");
    if (merged.length > 64 || pairs.some(([a, b]) => a === pair[0] && b === pair[1])) continue;
    if (!Object.hasOwn(vocab, merged)) {
      vocab[merged] = Object.keys(vocab).length;
      tokens.push(merged);
    }
    pairs.push(pair);
  }
  vocab["<|endoftext|>"] = Object.keys(vocab).length;
  return { vocab, merges: pairs };
}

export function filesOf({ vocab, merges }: Vocabulary): { vocab: Uint8Array; merges: Uint8Array } {
  const text = ["#version: 0.2", ...merges.map((pair) => pair.join(" ")), ""].join("\n");
  return { vocab: new TextEncoder().encode(JSON.stringify(vocab)), merges: new TextEncoder().encode(text) };
}

/** A piece of letters. */
export function encodeNaively({ vocab, merges }: Vocabulary, piece: string): number[] {
  const ranks = new Map(merges.map((pair, rank) => [pair.join(" "), rank]));
  const symbols = [...piece];
  for (;;) {
    let best = -1;
    let bestRank = Number.POSITIVE_INFINITY;
    for (let i = 0; i + 1 < symbols.length; i++) {
      const rank = ranks.get(`${symbols[i]} ${symbols[i + 1]}`) ?? Number.POSITIVE_INFINITY;
      if (rank < bestRank) {
        best = i;
        bestRank = rank;
      }
    }
    if (best === -1) return symbols.map((symbol) => vocab[symbol]!);
    symbols.splice(best, 2, symbols[best]! + symbols[best + 1]!);
  }
}
