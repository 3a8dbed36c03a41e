// The added tokens of a tokenizer.json with the ids that the official library gives them: not those in the file, but those
// of equal tokens of the model, and for others the next free ones.

import { type AddedToken, AddedTokenFinder } from "./added-tokens.js";
import { type AlignedText, wholeDocument } from "./aligned-text.js";
import type { JsonNode } from "./json-node.js";
import type { Normalizer } from "./normalizers.js";

export interface AddedTokenList {
  /** By id; a later token takes the place of an earlier one. */
  readonly byId: ReadonlyMap<number, AddedToken>;
  /** Whether any of them can be found in a text: special ones are ordinary text. */
  readonly isMatched: boolean;
}

export function readAddedTokens(list: JsonNode, vocab: ReadonlyMap<string, number>): AddedTokenList {
  const ids = new Map<string, number>();
  const byId = new Map<number, AddedToken>();
  const special = new Set<string>();
  let nextId = vocab.size;
  for (const node of list.isAbsent ? [] : list.array()) {
    node.only("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special");
    node.field("id").wholeNumber();
    const content = node.field("content").string();
    if (content === "") continue;
    let id = ids.get(content) ?? vocab.get(content);
    if (id === undefined) {
      id = nextId;
      nextId += 1;
    }
    if (node.field("special").boolean()) special.add(content);
    ids.set(content, id);
    byId.set(id, {
      id,
      content,
      singleWord: node.field("single_word").boolean(),
      leftStrip: node.field("lstrip").boolean(),
      rightStrip: node.field("rstrip").boolean(),
      normalized: node.field("normalized").boolean(),
      special: special.has(content),
    });
  }
  return { byId, isMatched: [...byId.values()].some(({ special }) => !special) };
}

export interface AddedTokenFinders {
  readonly raw: AddedTokenFinder;
  readonly normalized: AddedTokenFinder;
  /** What the tokens that `normalized` finds look like there. */
  readonly normalizedPatterns: readonly (readonly [string, AddedToken])[];
}

/**
 * Finders of the tokens as they are and as they are when normalized. Refuses two that look alike there where one of them is
 * found: the official library takes either, by the random order of a table. A token of which nothing is left is never found.
 */
export function addedTokenFinders(
  { byId }: AddedTokenList,
  normalize: Normalizer | undefined,
  list: JsonNode,
): AddedTokenFinders {
  const normal = (content: string): string => {
    const text: AlignedText = wholeDocument(content);
    return normalize === undefined ? content : normalize(text).text;
  };
  const tokens = [...byId.values()];
  const rawPatterns = tokens.filter(({ normalized }) => !normalized).map((token) => [token.content, token] as const);
  const normalizedPatterns = tokens
    .filter(({ normalized }) => normalized)
    .map((token) => [normal(token.content), token] as const);
  const seen = new Map<string, AddedToken>();
  for (const [pattern, token] of normalizedPatterns) {
    const other = seen.get(pattern);
    if (other !== undefined && !(other.special && token.special) && pattern !== "") {
      const [first, second] = [other.content, token.content].map((content) => JSON.stringify(content));
      throw list.refusal(
        `tokens that differ when normalized (${first} and ${second} are both ${JSON.stringify(pattern)})`,
        'the official library finds either of them, at random: leave one out, or set "normalized" to false for both, in a copy of the file',
      );
    }
    seen.set(pattern, token);
  }
  return {
    raw: new AddedTokenFinder(rawPatterns),
    normalized: new AddedTokenFinder(normalizedPatterns),
    normalizedPatterns,
  };
}
