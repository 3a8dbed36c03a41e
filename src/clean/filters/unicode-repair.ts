// Repairs mojibake: UTF-8 that somebody read as windows-1252 or ISO 8859-1 and saved again ("caf\u00c3\u00a9", "don\u00e2\u20ac\u2122t"),
// also when that happened twice. A text is changed only where the misreading is beyond doubt, so correct text stays as it is;
// what was lost in the misreading (bytes replaced by "?" or U+FFFD) is not guessed. The idea is that of ftfy.fix_encoding.
// Bytes 80..9F of windows-1252 that were read as ISO 8859-1, and so stand as C1 controls, become their characters too, and so
// does the punctuation of UTF-8 that was read as some other encodings (misread-punctuation.ts).
//
// A misread character is a lead (the image of a byte C2..F4: an accented letter) and one to three images of bytes 80..BF. In
// correct text such a pair is an accented letter before a symbol: common before quotes, dashes and the like, unknown before
// others. So a sequence is strong, weak or none (`strengthOf`); weak ones are repaired where the strong ones of the same text
// outnumber them.

import { mayHoldMisreadPunctuation, repairPunctuation } from "./misread-punctuation.js";

export const UNICODE_REPAIR_VERSION = 2;

/** What windows-1252 makes of bytes 80..9F. It leaves five undefined; readers give those as the C1 controls of ISO 8859-1. */
// biome-ignore format: a table
const WINDOWS_1252: readonly (readonly [number, number])[] = [
  [0x80, 0x20ac], [0x82, 0x201a], [0x83, 0x0192], [0x84, 0x201e], [0x85, 0x2026], [0x86, 0x2020], [0x87, 0x2021],
  [0x88, 0x02c6], [0x89, 0x2030], [0x8a, 0x0160], [0x8b, 0x2039], [0x8c, 0x0152], [0x8e, 0x017d], [0x91, 0x2018],
  [0x92, 0x2019], [0x93, 0x201c], [0x94, 0x201d], [0x95, 0x2022], [0x96, 0x2013], [0x97, 0x2014], [0x98, 0x02dc],
  [0x99, 0x2122], [0x9a, 0x0161], [0x9b, 0x203a], [0x9c, 0x0153], [0x9e, 0x017e], [0x9f, 0x0178],
];

const byteOfUnit = new Map(WINDOWS_1252.map(([byte, unit]) => [unit, byte]));
const CONTINUATION = `[\\u0080-\\u00bf${String.fromCharCode(...byteOfUnit.keys())}]`;
/** A character beyond U+FFFF as its two surrogates in three bytes each, as some databases wrote UTF-8 (CESU-8). */
const SURROGATES = `\\u00ed[\\u00a0-\\u00af]${CONTINUATION}\\u00ed[\\u00b0-\\u00bf]${CONTINUATION}`;
const SEQUENCE = `${SURROGATES}|[\\u00c2-\\u00df]${CONTINUATION}|[\\u00e0-\\u00ef]${CONTINUATION}{2}|[\\u00f0-\\u00f4]${CONTINUATION}{3}`;
const SEQUENCES = new RegExp(SEQUENCE, "g");
const LETTER = /\p{L}/u;
const LOWER_CASE = /\p{Ll}/u;
const BEFORE_SYMBOL = /[\p{Ll}\p{Nd}.,;:!?)\]%'"]/u;
const LOWER_CASE_OR_DIGIT = /[\p{Ll}\p{Nd}]/u;

const APOSTROPHE = 0x92;
const ACUTE = 0xb4;
const NO_BREAK_SPACE = 0xa0;
const NEXT_LINE = 0x85;

/**
 * Bytes whose images stand behind accented letters in correct text: ellipsis, daggers, quotes, bullet, dashes, trade mark,
 * no-break space, (c), (r), guillemets, soft hyphen, degree, plus-minus, superscripts, acute, middle dot, and letters.
 */
// biome-ignore format: a table
const AFTER_LETTERS: ReadonlySet<number> = new Set([
  0x85, 0x86, 0x87, 0x8b, 0x91, APOSTROPHE, 0x93, 0x94, 0x95, 0x96, 0x97, 0x99, 0x9b, NO_BREAK_SPACE, 0xa9, 0xab,
  0xad, 0xae, 0xb0, 0xb1, 0xb2, 0xb3, ACUTE, 0xb7, 0xb9, 0xbb, 0x83, 0x8a, 0x8c, 0x8e, 0x9a, 0x9c, 0x9e, 0x9f,
]);

type Strength = "strong" | "weak" | "none";

interface Sequence {
  readonly begin: number;
  readonly bytes: readonly number[];
  readonly codePoint: number;
  strength: Strength;
}

function byteOf(unit: number): number {
  return byteOfUnit.get(unit) ?? unit;
}

/** Undefined for what UTF-8 forbids: overlong forms, half a surrogate pair, beyond U+10FFFF. */
function decode(bytes: readonly number[]): number | undefined {
  const length = bytes.length;
  if (length === 6) {
    const half = (at: number): number => ((bytes[at]! & 0x0f) << 6) | (bytes[at + 1]! & 0x3f);
    return 0x10000 + ((half(1) << 10) | (half(4) & 0x3ff));
  }
  let codePoint = bytes[0]! & (0x7f >> length);
  for (let i = 1; i < length; i += 1) codePoint = (codePoint << 6) | (bytes[i]! & 0x3f);
  const smallest = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000;
  const isSurrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
  return codePoint < smallest || isSurrogate || codePoint > 0x10ffff ? undefined : codePoint;
}

function inRanges(codePoint: number, ranges: readonly (readonly [number, number])[]): boolean {
  return ranges.some(([first, last]) => codePoint >= first && codePoint <= last);
}

/** Latin letters and signs of two bytes; of the later blocks only the letters of Vietnamese and Romanian. */
const LATIN = [
  [0x00a0, 0x017f],
  [0x01a1, 0x01a1],
  [0x01b0, 0x01b0],
  [0x0218, 0x021b],
] as const;
/** Combining marks; Greek, Cyrillic, Hebrew, Arabic, whose words are runs of misread letters; what windows-1252 has of two bytes more. */
const OTHER_TWO_BYTES = [
  [0x0300, 0x052f],
  [0x0590, 0x06ff],
  [0x0192, 0x0192],
  [0x02c6, 0x02c6],
  [0x02dc, 0x02dc],
] as const;
/** Indic scripts, Thai, Lao, Georgian; Vietnamese, Greek; punctuation, signs; Kana, Han, Hangul; forms, the two marks. */
// biome-ignore format: a table
const THREE_BYTES = [
  [0x0900, 0x0eff], [0x10a0, 0x10ff], [0x1e00, 0x206f], [0x20a0, 0x27bf], [0x3000, 0x30ff], [0x4e00, 0x9fff],
  [0xac00, 0xd7a3], [0xfb00, 0xfb06], [0xfe00, 0xfe0f], [0xfeff, 0xffef], [0xfffd, 0xfffd],
] as const;

/** Bytes whose images are letters that stand behind no a with circumflex: those of arrows, signs and dingbats do. */
const NEVER_AFTER_E2: ReadonlySet<number> = new Set([0x8a, 0x8c, 0x8e, 0x9a, 0x9c, 0x9e, 0x9f]);

function strengthOf(text: string, sequence: Sequence): Strength {
  const { begin, bytes, codePoint } = sequence;
  // No text has the six of a surrogate pair.
  if (bytes.length === 6) return "strong";
  // Emoji begin with F0 9F: no text has eth before capital y with diaeresis.
  if (bytes.length === 4) return bytes[0] === 0xf0 && bytes[1] === 0x9f ? "strong" : "none";
  if (bytes.length === 2) return strengthOfTwo(text, sequence);
  if (!inRanges(codePoint, THREE_BYTES)) return "none";
  if (bytes[0] === 0xe2 && NEVER_AFTER_E2.has(bytes[1]!)) return "strong";
  return AFTER_LETTERS.has(bytes[1]!) && !isControl(text.charCodeAt(begin + 1)) ? "weak" : "strong";
}

function strengthOfTwo(text: string, { begin, bytes, codePoint }: Sequence): Strength {
  const [lead, second] = [bytes[0]!, bytes[1]!];
  const hasControl = isControl(text.charCodeAt(begin + 1));
  if (inRanges(codePoint, OTHER_TWO_BYTES)) return "weak";
  // A control between two misreadings of one text: the next round needs it.
  if (lead === 0xc2 && hasControl) return "strong";
  if (codePoint === NEXT_LINE) return "weak";
  if (!inRanges(codePoint, LATIN)) return "none";
  if (hasControl || !AFTER_LETTERS.has(second)) return "strong";
  const [before, after] = [text.charAt(begin - 1), text.charAt(begin + 2)];
  const isApostrophe = second === APOSTROPHE || second === ACUTE;
  // Misread signs begin with C2, a capital that correct text does not have right behind a digit or mark, or before a digit.
  if (lead === 0xc2 && BEFORE_SYMBOL.test(before)) return "strong";
  const mayBegin = second !== NO_BREAK_SPACE && !isApostrophe && !LETTER.test(before);
  if (lead === 0xc2 && mayBegin && LOWER_CASE_OR_DIGIT.test(after)) return "strong";
  // A capital inside a word of lower case. Not \u00c5, which is also a unit.
  if ((lead === 0xc3 || lead === 0xc4) && LOWER_CASE.test(before)) return "strong";
  return !isApostrophe && LOWER_CASE.test(after) ? "strong" : "weak";
}

/** C1 controls do not stand in text; only the line end U+0085 does. */
function isControl(unit: number): boolean {
  return unit >= 0x80 && unit <= 0x9f && unit !== NEXT_LINE;
}

function sequencesOf(text: string): Sequence[] {
  const found: Sequence[] = [];
  for (const { 0: image, index: begin } of text.matchAll(SEQUENCES)) {
    const bytes = Array.from({ length: image.length }, (_, i) => byteOf(image.charCodeAt(i)));
    const codePoint = decode(bytes);
    if (codePoint === undefined) continue;
    const sequence: Sequence = { begin, bytes, codePoint, strength: "none" };
    sequence.strength = strengthOf(text, sequence);
    found.push(sequence);
  }
  return strengthened(found);
}

/**
 * A weak sequence beside another one is strong: correct text does not alternate letters and symbols. Two weak Latin ones prove
 * nothing: "\u00c5\u2013\u00c5\u2026" is a range of units.
 */
function strengthened(sequences: Sequence[]): Sequence[] {
  const asFound = sequences.map(({ strength }) => strength);
  for (const [i, sequence] of sequences.entries()) {
    if (sequence.strength !== "weak") continue;
    const isLatin = inRanges(sequence.codePoint, LATIN);
    for (const j of [i - 1, i + 1]) {
      const other = sequences[j];
      if (other === undefined || asFound[j] === "none" || (isLatin && asFound[j] === "weak")) continue;
      const [left, right] = j < i ? [other, sequence] : [sequence, other];
      if (left.begin + left.bytes.length === right.begin) sequence.strength = "strong";
    }
  }
  return sequences;
}

function repairOnce(text: string): string {
  const found = sequencesOf(text);
  const count = (strength: Strength): number => found.filter((sequence) => sequence.strength === strength).length;
  const strong = count("strong");
  if (strong === 0) return text;
  const takesWeak = strong > count("weak");
  const parts: string[] = [];
  let done = 0;
  for (const { begin, bytes, codePoint, strength } of found) {
    if (strength === "none" || (strength === "weak" && !takesWeak)) continue;
    parts.push(text.slice(done, begin), String.fromCodePoint(codePoint));
    done = begin + bytes.length;
  }
  return parts.join("") + text.slice(done);
}

/** Twice misread text needs two; one more is one too many for any text seen. */
const MAX_ROUNDS = 3;
/** Longer texts are judged piece by piece, so that memory is bounded. */
const PIECE_UNITS = 2 ** 20;

/** C1 controls for which windows-1252 has a character, but for the line end. */
const MISREAD_CONTROLS = /[\u0080\u0082-\u0084\u0086-\u008c\u008e\u0091-\u009c\u009e\u009f]/;
/** Not behind a letter of another script than Latin: there it is part of a misreading of another encoding. */
const MISREAD_CONTROLS_OR_ELLIPSIS = new RegExp(
  `(?<!(?!\\p{Script=Latin})\\p{L})(?:${MISREAD_CONTROLS.source}|\\u0085)`,
  "gu",
);
const unitOfByte = new Map(WINDOWS_1252);

/** The line end is an ellipsis where other controls show what the text was read as. */
function repairControls(text: string): string {
  if (!MISREAD_CONTROLS.test(text)) return text;
  return text.replace(MISREAD_CONTROLS_OR_ELLIPSIS, (control) =>
    String.fromCharCode(unitOfByte.get(control.charCodeAt(0))!),
  );
}

function repairPiece(piece: string): string {
  let repaired = repairPunctuation(piece);
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const before = repaired;
    repaired = repairOnce(before);
    if (repaired === before) break;
  }
  return repairControls(repaired);
}

/** Where a piece ends that begins at `begin`: not inside a sequence. */
function pieceEnd(text: string, begin: number): number {
  let end = begin + PIECE_UNITS;
  if (end >= text.length) return text.length;
  for (let i = 0; i < 3 && byteOf(text.charCodeAt(end)) >= 0x80 && byteOf(text.charCodeAt(end)) < 0xc0; i += 1)
    end -= 1;
  return end;
}

/** The text as it was before it was misread. */
export function repairUnicode(text: string): string {
  if (text.length <= PIECE_UNITS) return repairPiece(text);
  const pieces: string[] = [];
  for (let begin = 0; begin < text.length; ) {
    const end = pieceEnd(text, begin);
    pieces.push(repairPiece(text.slice(begin, end)));
    begin = end;
  }
  return pieces.join("");
}

/** Whether UTF-8 bytes can hold a misread character at all: all leads U+00C2..U+00F4 begin with the byte C3, C1 controls with C2. */
export function mayBeMisread(bytes: Uint8Array): boolean {
  if (bytes.includes(0xc3)) return true;
  for (let at = bytes.indexOf(0xc2); at >= 0; at = bytes.indexOf(0xc2, at + 1)) if (bytes[at + 1]! < 0xa0) return true;
  return mayHoldMisreadPunctuation(bytes);
}
