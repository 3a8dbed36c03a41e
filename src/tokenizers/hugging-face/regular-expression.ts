// Oniguruma's regular expressions in JavaScript: translated by oniguruma-to-es, with the characters of each Unicode
// property taken from our tables instead of from Node, and matched as the official library's iterator does. What has no
// translation is refused.

import { createRequire } from "node:module";
import { invalid } from "../../base/errors.js";
import { charactersOfCategory, charactersOfProperty, classSource, onigurumaWord } from "./characters.js";
import type { JsonNode } from "./json-node.js";
import { KERNEL_PATTERNS } from "./kernel-patterns.js";
import { withoutGoingBack } from "./long-runs.js";

const require = createRequire(import.meta.url);
/** Loaded for the first pattern that is translated: most tokenizers need none, and it takes every thread some time. */
const translator = (): typeof import("oniguruma-to-es") => require("oniguruma-to-es");

/** Matches and what is between them, in order and without gaps: end of each part, and whether it is a match. */
export interface Parts {
  readonly ends: number[];
  readonly isMatch: boolean[];
}

export type FindParts = (text: string) => Parts;

/** Keeps the translator from making a pattern insensitive to case as a whole; matches nothing and is cut off again. */
const CASE_SENSITIVE_TAIL = "|(?!)a";

/** The translator's \w, which is not Oniguruma's for 900 characters. */
const TRANSLATED_WORD = "\\p{L}\\p{M}\\p{N}\\p{Pc}";

/** Long names of general categories that Oniguruma knows. */
const LONG_NAMES: Readonly<Record<string, string>> = {
  Letter: "L",
  Uppercase_Letter: "Lu",
  Lowercase_Letter: "Ll",
  Titlecase_Letter: "Lt",
  Modifier_Letter: "Lm",
  Other_Letter: "Lo",
  Mark: "M",
  Nonspacing_Mark: "Mn",
  Spacing_Mark: "Mc",
  Enclosing_Mark: "Me",
  Number: "N",
  Decimal_Number: "Nd",
  Letter_Number: "Nl",
  Other_Number: "No",
  Punctuation: "P",
  Symbol: "S",
  Separator: "Z",
  Control: "Cc",
  Other: "C",
};

/** Properties that are what they were in every Unicode. */
const STABLE = new Set(["space", "White_Space", "AHex", "ASCII", "ASCII_Hex_Digit", "Any", "Cs"]);

/** A finder of the literal or pattern in a field `{"String": ...}` or `{"Regex": ...}`. */
export function patternFinder(field: JsonNode): FindParts {
  field.only("String", "Regex");
  const [literal, pattern] = [field.field("String"), field.field("Regex")];
  if (literal.isAbsent === pattern.isAbsent) throw field.refusal('either "String" or "Regex"');
  if (!pattern.isAbsent) return regularExpressionFinder(pattern);
  return finderOf(new RegExp(literal.string().replace(/[\\^$.*+?()[\]{}|/&-]/g, "\\$&"), "gv"));
}

/** A finder of an Oniguruma pattern; throws where it has no translation. */
export function expressionFinder(pattern: string): FindParts {
  return finderOf(translated(pattern));
}

/** Of a pattern that is known to have a translation: translated when it is first used, which the kernel often makes needless. */
export function knownExpressionFinder(pattern: string): FindParts {
  let find: FindParts | undefined;
  return (text) => {
    find ??= expressionFinder(pattern);
    return find(text);
  };
}

function regularExpressionFinder(field: JsonNode): FindParts {
  const pattern = field.string();
  if (KERNEL_PATTERNS.has(pattern)) return knownExpressionFinder(pattern);
  try {
    return expressionFinder(pattern);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw field.refusal("a regular expression with a translation", `the translator says: ${error.message}`);
  }
}

/** In brackets Oniguruma's \w has no superscript digits and no fractions of Latin-1; outside it has. */
const NOT_IN_CLASSES = [0xb2, 0xb3, 0xb9, 0xbc, 0xbd, 0xbe];

/** They stand for \w and \W in brackets while the translator is at work, which would write both forms alike. */
const [WORD_IN_CLASS, OTHER_IN_CLASS] = ["\u{10fffe}", "\u{10ffff}"];
/** What the translator makes of them. */
const [TRANSLATED_IN_CLASS, TRANSLATED_OTHER] = ["\\u{10FFFE}", "\\u{10FFFF}"];

/** Properties that change when case is folded: the engines do not agree on when it is. */
const CASED = /\\[pP]\{\^?\s*(?:L[ult]|LC|Upper\w*|Lower\w*|Titlecase\w*|Cased\w*)\s*\}|\[:\^?(?:upper|lower):\]/i;

function withWordsOfClasses(pattern: string): string {
  let depth = 0;
  return pattern.replace(/\\(.)|\[:\^?\w+:\]|\[\^?\]?|\]/gs, (token, escaped: string | undefined) => {
    if (escaped !== undefined) {
      if (depth === 0 || (escaped !== "w" && escaped !== "W")) return token;
      return escaped === "w" ? WORD_IN_CLASS : OTHER_IN_CLASS;
    }
    if (token.startsWith("[:")) return token;
    depth = token === "]" ? Math.max(0, depth - 1) : depth + 1;
    return token;
  });
}

/** What stood for \w and \W in brackets becomes classes in them. */
function withWordsInClasses(source: string): string {
  const absent = NOT_IN_CLASSES.map((at) => `\\u{${at.toString(16)}}`).join("");
  const word = `[[${classSource(onigurumaWord().ranges)}]--[${absent}]]`;
  return source.replaceAll(TRANSLATED_IN_CLASS, word).replaceAll(TRANSLATED_OTHER, `[^${word}]`);
}

/** Oniguruma's pattern as a JavaScript one, global. */
function translated(pattern: string): RegExp {
  // What a flag of two letters is, and so what a cluster is, differs from engine to engine.
  if (/(?:^|[^\\])(?:\\\\)*\\[Xy]/.test(pattern)) throw new Error("grapheme clusters have none");
  if (/\\[pP]\{\^?\s*Word\s*\}/i.test(pattern)) throw new Error("\\p{Word} has none; \\w has");
  const marked = withWordsOfClasses(pattern);
  const { EmulatedRegExp, toRegExpDetails } = translator();
  const { pattern: source, flags, options } = toRegExpDetails(`${marked}${CASE_SENSITIVE_TAIL}`, { target: "ES2024" });
  if (flags.includes("i") && CASED.test(pattern))
    throw new Error("properties of case without regard to case have none");
  const whole = source.endsWith(CASE_SENSITIVE_TAIL) ? source.slice(0, -CASE_SENSITIVE_TAIL.length) : source;
  const own = withOwnCharacters(whole, /\\[wWbB]|\[:word:\]/.test(pattern));
  const ours = marked === pattern ? own : withWordsInClasses(own);
  return options === undefined ? new RegExp(ours, `${flags}g`) : new EmulatedRegExp(ours, `${flags}g`, options);
}

/** Properties, other escapes, and the class of all characters. */
const TOKENS = /\\(?:([pP])\{([^}]*)\}|.)|\[\^\]/gs;

/** V8 12 repeats [^] once at most under flag v. */
const ANY_CHARACTER = "[\\0-\\u{10ffff}]";

function withOwnCharacters(source: string, hasWord: boolean): string {
  const worded = hasWord ? source.replaceAll(TRANSLATED_WORD, classSource(onigurumaWord().ranges)) : source;
  return worded.replace(TOKENS, (token, kind: string | undefined, name: string | undefined) => {
    if (token === "[^]") return ANY_CHARACTER;
    if (kind === undefined || name === undefined || STABLE.has(name)) return token;
    const category = charactersOfCategory(LONG_NAMES[name] ?? name.replace(/^(?:gc|General_Category)=/, ""));
    const characters = category ?? charactersOfProperty(name.replace(/^(?:sc|Script)=/, ""));
    if (characters === undefined) throw new Error(`the characters of \\p{${name}} are not known here`);
    return `[${kind === "P" ? "^" : ""}${classSource(characters)}]`;
  });
}

/** One search from lastIndex on; a match too long for V8 is searched for again without going back. */
function search(expression: RegExp, text: string): RegExpExecArray | null {
  const begin = expression.lastIndex;
  try {
    return expression.exec(text);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
  }
  const patient = new RegExp(withoutGoingBack(expression.source), expression.flags);
  patient.lastIndex = begin;
  try {
    const found = patient.exec(text);
    expression.lastIndex = patient.lastIndex;
    return found;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const message = "expected shorter runs of like characters for the tokenizer's expression, got one of megabytes";
    throw invalid("config-tokenizer", message, { hint: "maxDocumentBytes rejects documents that are too long", cause });
  }
}

/** As the official iterator: an empty match right behind a match does not count. */
function finderOf(expression: RegExp): FindParts {
  return (text) => {
    const ends: number[] = [];
    const isMatch: boolean[] = [];
    let end = 0;
    let lastMatchEnd = -1;
    if (text === "") return { ends, isMatch };
    expression.lastIndex = 0;
    for (let found = search(expression, text); found !== null; found = search(expression, text)) {
      const begin = found.index;
      const matchEnd = begin + found[0].length;
      if (matchEnd === begin && matchEnd === lastMatchEnd) {
        expression.lastIndex = matchEnd + (text.codePointAt(matchEnd)! > 0xffff ? 2 : 1);
        if (expression.lastIndex > text.length) break;
        continue;
      }
      if (begin > end) {
        ends.push(begin);
        isMatch.push(false);
      }
      ends.push(matchEnd);
      isMatch.push(true);
      end = matchEnd;
      lastMatchEnd = matchEnd;
      expression.lastIndex = matchEnd;
    }
    if (end < text.length) {
      ends.push(text.length);
      isMatch.push(false);
    }
    return { ends, isMatch };
  };
}

/** Parts by a property of single characters. */
export function characterFinder(matches: (codePoint: number) => boolean): FindParts {
  return (text) => {
    const ends: number[] = [];
    const isMatch: boolean[] = [];
    let end = 0;
    for (let i = 0; i < text.length; ) {
      const codePoint = text.codePointAt(i)!;
      const next = i + (codePoint > 0xffff ? 2 : 1);
      if (matches(codePoint)) {
        if (i > end) {
          ends.push(i);
          isMatch.push(false);
        }
        ends.push(next);
        isMatch.push(true);
        end = next;
      }
      i = next;
    }
    if (end < text.length) {
      ends.push(text.length);
      isMatch.push(false);
    }
    return { ends, isMatch };
  };
}
