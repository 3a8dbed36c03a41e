// Added tokens: found in the text before anything else cuts it. Special ones are found too, since what they cover belongs
// to no other token, but stay ordinary text.
import { type AlignedText, slice } from "./aligned-text.js";
import { whiteSpace, wordCharacters } from "./characters.js";

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly singleWord: boolean;
  readonly leftStrip: boolean;
  readonly rightStrip: boolean;
  readonly normalized: boolean;
  readonly special: boolean;
}

/** A piece of text, or the id of an added token. */
export type TextOrId = AlignedText | number;

interface Node {
  readonly next: Map<number, Node>;
  token?: AddedToken;
}

/** Leftmost longest matches of literals, by UTF-16 code units. */
export class AddedTokenFinder {
  readonly #root: Node = { next: new Map() };

  /** `patterns`: what each token looks like in the texts that are searched. */
  constructor(patterns: readonly (readonly [string, AddedToken])[]) {
    for (const [pattern, token] of patterns) {
      let node = this.#root;
      for (let i = 0; i < pattern.length; i += 1) {
        const unit = pattern.charCodeAt(i);
        let next = node.next.get(unit);
        if (next === undefined) {
          next = { next: new Map() };
          node.next.set(unit, next);
        }
        node = next;
      }
      node.token = token;
    }
  }

  /** Whether a split can give anything but the text itself. */
  get isIdle(): boolean {
    return this.#root.next.size === 0;
  }

  /** Cuts the text at the tokens found; pieces that are empty are left out. */
  splitInto(out: TextOrId[], text: AlignedText): void {
    const { text: sentence } = text;
    let done = 0;
    for (let at = 0; at < sentence.length; ) {
      const found = this.#longestAt(sentence, at);
      if (found === undefined) {
        at += 1;
        continue;
      }
      const { token, end: matchEnd } = found;
      let begin = at;
      let end = matchEnd;
      at = matchEnd;
      if (token.special || (token.singleWord && !standsAlone(sentence, begin, end))) continue;
      // White space that the match before has taken is not taken again, nor gone through again.
      if (token.leftStrip) begin = Math.max(spaceBefore(sentence, begin, done), done);
      if (token.rightStrip) end = spaceBehind(sentence, Math.max(end, done));
      if (done < begin) out.push(slice(text, done, begin));
      // Of a token that is white space nothing may be left: the library drops empty parts.
      if (begin < end) out.push(token.id);
      done = end;
    }
    if (done < sentence.length) out.push(slice(text, done, sentence.length));
  }

  #longestAt(sentence: string, begin: number): { token: AddedToken; end: number } | undefined {
    let node = this.#root.next.get(sentence.charCodeAt(begin));
    let longest: { token: AddedToken; end: number } | undefined;
    for (let end = begin + 1; node !== undefined; end += 1) {
      if (node.token !== undefined) longest = { token: node.token, end };
      if (end >= sentence.length) break;
      node = node.next.get(sentence.charCodeAt(end));
    }
    return longest;
  }
}

function standsAlone(sentence: string, begin: number, end: number): boolean {
  const before = begin === 0 ? undefined : lastCodePoint(sentence, begin);
  const behind = sentence.codePointAt(end);
  return [before, behind].every((cp) => cp === undefined || !wordCharacters().has(cp));
}

function lastCodePoint(sentence: string, end: number): number {
  const low = sentence.charCodeAt(end - 1);
  const isPair = low >= 0xdc00 && low < 0xe000 && end >= 2;
  return isPair ? sentence.codePointAt(end - 2)! : low;
}

function spaceBefore(sentence: string, end: number, least: number): number {
  let begin = end;
  while (begin > least && whiteSpace().has(sentence.charCodeAt(begin - 1))) begin -= 1;
  return begin;
}

function spaceBehind(sentence: string, begin: number): number {
  let end = begin;
  while (end < sentence.length && whiteSpace().has(sentence.charCodeAt(end))) end += 1;
  return end;
}
