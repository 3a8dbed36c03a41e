// Normal forms and lower case of the Unicode versions that the official library has.
import { NEW_LOWER_CASE } from "./character-tables.js";
import { unassignedCharacters, unknownToForms } from "./characters.js";

export type NormalForm = "NFC" | "NFD" | "NFKC" | "NFKD";

const ONLY_ASCII = /^[\0-\x7f]*$/;

/** Characters that are newer than the library's normal forms stand alone, as if they were letters without decomposition. */
export function normalForm(text: string, form: NormalForm): string {
  if (ONLY_ASCII.test(text)) return text;
  const unknown = unknownToForms();
  let result = "";
  let begin = 0;
  for (let i = 0; i < text.length; ) {
    const codePoint = text.codePointAt(i)!;
    const next = i + (codePoint > 0xffff ? 2 : 1);
    if (codePoint > 0x7f && unknown.has(codePoint)) {
      result += text.slice(begin, i).normalize(form) + text.slice(i, next);
      begin = next;
    }
    i = next;
  }
  return begin === 0 ? text.normalize(form) : result + text.slice(begin).normalize(form);
}

let newLowerCase: Map<string, string> | undefined;

/** Lower case of new characters, and of those that are none yet themselves. */
function exceptions(): Map<string, string> {
  if (newLowerCase !== undefined) return newLowerCase;
  newLowerCase = new Map();
  const unassigned = unassignedCharacters();
  for (let i = 0; i < unassigned.length; i += 2) {
    for (let cp = unassigned[i]!; cp <= unassigned[i + 1]!; cp += 1) {
      const character = String.fromCodePoint(cp);
      if (character.toLowerCase() !== character) newLowerCase.set(character, character);
    }
  }
  for (const [first, length, difference] of NEW_LOWER_CASE) {
    for (let cp = first; cp < first + length; cp += 1) {
      newLowerCase.set(String.fromCodePoint(cp), String.fromCodePoint(cp + difference));
    }
  }
  // Each character by itself: no final sigma.
  newLowerCase.set("\u03a3", "\u03c3");
  return newLowerCase;
}

export function lowerCase(text: string): string {
  if (ONLY_ASCII.test(text)) return text.toLowerCase();
  const known = exceptions();
  let result = "";
  let begin = 0;
  for (let i = 0; i < text.length; ) {
    const next = i + (text.codePointAt(i)! > 0xffff ? 2 : 1);
    const lower = text.charCodeAt(i) < 0x80 ? undefined : known.get(text.slice(i, next));
    if (lower !== undefined) {
      result += text.slice(begin, i).toLowerCase() + lower;
      begin = next;
    }
    i = next;
  }
  return begin === 0 ? text.toLowerCase() : result + text.slice(begin).toLowerCase();
}
