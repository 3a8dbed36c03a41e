// BERT's basic tokenizer as Hugging Face's BertNormalizer and BertPreTokenizer have it: text in, words out. What each code
// point does comes from a table of that library's answers, not from this Node's Unicode.
import { BERT_LOWER, BERT_PROPERTIES } from "./bert-table.js";

const DROPPED = 1;
const CLEANED = 2;
const SPACE = 4;
const PUNCTUATION = 8;
const CHINESE = 16;
const MARK = 32;
/** The library's version of Unicode does not know its decomposition. */
const WHOLE = 64;

function spread<T extends Uint16Array | Int32Array>(runs: readonly number[], into: T): T {
  for (let i = 0; i < runs.length; i += 3) into.fill(runs[i + 2]!, runs[i]!, runs[i + 1]! + 1);
  return into;
}

let properties: Uint16Array | undefined;
let lowerDeltas: Int32Array | undefined;

interface Character {
  readonly codePoint: number;
  readonly combining: number;
}

/** Calls `word` for each word with its text. Uncased: lower case without accents. */
export function splitBertWords(text: string, uncased: boolean, word: (text: string) => void): void {
  properties ??= spread(BERT_PROPERTIES, new Uint16Array(0x110000));
  lowerDeltas ??= spread(BERT_LOWER, new Int32Array(0x110000));
  const [property, delta] = [properties, lowerDeltas];
  let current = "";
  /** Characters that may still change places: combining classes other than 0, in a row. */
  let pending: Character[] = [];

  const endWord = (): void => {
    if (current !== "") word(current);
    current = "";
  };
  const put = (codePoint: number): void => {
    const flags = property[codePoint]!;
    if ((flags & SPACE) !== 0) endWord();
    else if ((flags & PUNCTUATION) !== 0) {
      endWord();
      word(String.fromCodePoint(codePoint));
    } else current += String.fromCodePoint(codePoint);
  };
  const putLower = (codePoint: number): void => put(codePoint + delta[codePoint]!);
  const flush = (): void => {
    pending.sort((a, b) => a.combining - b.combining);
    for (const { codePoint } of pending) putLower(codePoint);
    pending = [];
  };
  const putStripped = (codePoint: number): void => {
    const flags = property[codePoint]!;
    const combining = flags >> 8;
    if (combining === 0 && pending.length > 0) flush();
    if ((flags & MARK) !== 0) return;
    if (combining === 0) putLower(codePoint);
    else pending.push({ codePoint, combining });
  };
  const putUncased = (codePoint: number): void => {
    if (codePoint < 0x80 || (property[codePoint]! & WHOLE) !== 0) {
      putStripped(codePoint);
      return;
    }
    for (const part of String.fromCodePoint(codePoint).normalize("NFD")) putStripped(part.codePointAt(0)!);
  };
  const putChosen = uncased ? putUncased : put;

  for (let i = 0; i < text.length; i += 1) {
    const codePoint = text.codePointAt(i)!;
    if (codePoint > 0xffff) i += 1;
    const flags = property[codePoint]!;
    if ((flags & DROPPED) !== 0) continue;
    if ((flags & CLEANED) !== 0) putChosen(0x20);
    else if ((flags & CHINESE) !== 0) {
      putChosen(0x20);
      putChosen(codePoint);
      putChosen(0x20);
    } else putChosen(codePoint);
  }
  flush();
  endWord();
}
