// Pre-tokenizers of a tokenizer.json: each cuts every piece it gets into smaller ones, and may change them.
import { type AlignedText, changed, lengthOfFirst, prepended, slice } from "./aligned-text.js";
import { toByteCharacters } from "./byte-alphabet.js";
import { numericCharacters, punctuationCharacters, scriptOf, whiteSpace, wordCharacters } from "./characters.js";
import type { JsonNode } from "./json-node.js";
import { metaspaceOptions } from "./metaspace.js";
import { replacer } from "./normalizers.js";
import { characterFinder, type FindParts, knownExpressionFinder, patternFinder } from "./regular-expression.js";
import { BEHAVIORS, type Behavior, inverted, splitInto } from "./splitting.js";

/** Appends the pieces of one piece; none is empty. */
export type PreTokenizer = (text: AlignedText, out: AlignedText[]) => void;

type Make = (node: JsonNode) => PreTokenizer;

/** GPT-2's pattern, as the library has it. */
const GPT2_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const MAKERS: Readonly<Record<string, Make>> = {
  ByteLevel: byteLevel,
  BertPreTokenizer(node) {
    node.only("type");
    const words = splitter(
      characterFinder((cp) => whiteSpace().has(cp)),
      "Removed",
    );
    const marks = splitter(
      characterFinder((cp) => punctuationCharacters().has(cp)),
      "Isolated",
    );
    return inSequence([words, marks]);
  },
  Whitespace(node) {
    node.only("type");
    return splitter(wordsAndOthers, "Removed");
  },
  WhitespaceSplit(node) {
    node.only("type");
    return splitter(
      characterFinder((cp) => whiteSpace().has(cp)),
      "Removed",
    );
  },
  Metaspace: metaspace,
  Split(node) {
    node.only("type", "pattern", "behavior", "invert");
    const find = patternFinder(node.field("pattern"));
    const behavior = node.field("behavior").oneOf(BEHAVIORS);
    return splitter(node.field("invert").boolean() ? (text) => inverted(find(text)) : find, behavior);
  },
  Punctuation(node) {
    const behavior = node.only("type", "behavior").field("behavior");
    const find = characterFinder((cp) => punctuationCharacters().has(cp));
    return splitter(find, behavior.isAbsent ? "Isolated" : behavior.oneOf(BEHAVIORS));
  },
  Digits(node) {
    const single = node.only("type", "individual_digits").field("individual_digits").boolean();
    return splitter(
      characterFinder((cp) => numericCharacters().has(cp)),
      single ? "Isolated" : "Contiguous",
    );
  },
  CharDelimiterSplit(node) {
    const delimiter = node.only("type", "delimiter").field("delimiter").character().codePointAt(0);
    return splitter(
      characterFinder((cp) => cp === delimiter),
      "Removed",
    );
  },
  UnicodeScripts(node) {
    node.only("type");
    return unicodeScripts;
  },
  FixedLength(node) {
    const length = node.only("type", "length").field("length");
    return fixedLength(length.isAbsent ? 5 : length.wholeNumber(1));
  },
  Sequence(node) {
    return inSequence(node.only("type", "pretokenizers").field("pretokenizers").array().map(readPreTokenizer));
  },
};

/** Throws `config-tokenizer` for a component that is not known, by name and path. */
export function readPreTokenizer(node: JsonNode): PreTokenizer {
  const type = node.field("type").string();
  const make = Object.hasOwn(MAKERS, type) ? MAKERS[type] : undefined;
  if (make === undefined) throw node.field("type").refusal(`a pre-tokenizer (${Object.keys(MAKERS).join(", ")})`);
  return make(node);
}

export function inSequence(steps: readonly PreTokenizer[]): PreTokenizer {
  return (text, out) => {
    let pieces = [text];
    for (const step of steps) {
      const next: AlignedText[] = [];
      for (const piece of pieces) step(piece, next);
      pieces = next;
    }
    for (const piece of pieces) out.push(piece);
  };
}

function splitter(find: FindParts, behavior: Behavior): PreTokenizer {
  return (text, out) => splitInto(out, text, find(text.text), behavior);
}

/** Settings of a ByteLevel component, of which trim_offsets concerns no id. */
export function byteLevelOptions(node: JsonNode): { readonly prefixSpace: boolean; readonly usesPattern: boolean } {
  node.only("type", "add_prefix_space", "trim_offsets", "use_regex");
  const usesPattern = node.field("use_regex");
  return {
    prefixSpace: node.field("add_prefix_space").boolean(),
    usesPattern: usesPattern.isAbsent || usesPattern.boolean(),
  };
}

function byteLevel(node: JsonNode): PreTokenizer {
  const { prefixSpace, usesPattern } = byteLevelOptions(node);
  const split = usesPattern ? splitter(knownExpressionFinder(GPT2_PATTERN), "Isolated") : undefined;
  return (text, out) => {
    const spaced = prefixSpace && !text.text.startsWith(" ") ? prepended(" ", text) : text;
    const pieces: AlignedText[] = [];
    if (split === undefined) pieces.push(spaced);
    else split(spaced, pieces);
    for (const piece of pieces) out.push(changed(piece, toByteCharacters));
  };
}

function metaspace(node: JsonNode): PreTokenizer {
  const { replacement, prepend, split } = metaspaceOptions(node);
  const space = replacer(
    characterFinder((cp) => cp === 0x20),
    replacement,
  );
  const delimiter = replacement.codePointAt(0);
  const cut = splitter(
    characterFinder((cp) => cp === delimiter),
    "MergedWithNext",
  );
  return (text, out) => {
    let replaced = space(text);
    const isWanted = prepend === "always" || (prepend === "first" && text.head > 0);
    if (isWanted && !replaced.text.startsWith(replacement)) {
      // What is before shares the place of what it is put before.
      replaced = prepended(replacement, replaced);
    }
    if (split) cut(replaced, out);
    else out.push(replaced);
  };
}

/** The expression \w+|[^\w\s]+, everything else being left out. */
function wordsAndOthers(text: string): { ends: number[]; isMatch: boolean[] } {
  const ends: number[] = [];
  const isMatch: boolean[] = [];
  let last = -1;
  for (let i = 0; i < text.length; ) {
    const codePoint = text.codePointAt(i)!;
    const kind = wordCharacters().has(codePoint) ? 1 : whiteSpace().has(codePoint) ? 0 : 2;
    const next = i + (codePoint > 0xffff ? 2 : 1);
    if (kind === last) ends[ends.length - 1] = next;
    else {
      ends.push(next);
      isMatch.push(kind === 0);
    }
    last = kind;
    i = next;
  }
  return { ends, isMatch };
}

/** Characters of any script at the very beginning are lost, as in the library. */
function unicodeScripts(text: AlignedText, out: AlignedText[]): void {
  let begin = -1;
  let last = 0;
  for (let i = 0; i < text.text.length; ) {
    const codePoint = text.text.codePointAt(i)!;
    const script = scriptOf(codePoint);
    if (script !== 0 && script !== last) {
      if (begin >= 0) out.push(slice(text, begin, i));
      begin = i;
    }
    if (script !== 0) last = script;
    i += codePoint > 0xffff ? 2 : 1;
  }
  if (begin >= 0) out.push(slice(text, begin, text.text.length));
}

function fixedLength(length: number): PreTokenizer {
  return (text, out) => {
    let begin = 0;
    while (begin < text.text.length) {
      let end = begin;
      for (let n = 0; n < length && end < text.text.length; n += 1) end += lengthOfFirst(text.text.slice(end, end + 2));
      out.push(slice(text, begin, end));
      begin = end;
    }
  };
}
