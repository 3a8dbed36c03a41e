// A strict RFC 8259 reader over valid UTF-8 that walks one value without building it, one method a production. It says of
// every input what the native scanner (native/text/json_cursor.h) says, the sentence and the position of a fault included.
// Lone surrogates in escapes are grammatical JSON, so they are reported beside the fault, not as one.
import type { ByteSink } from "./byte-sink.js";

/** Deeper nesting is a fault: it bounds the stack, and no corpus needs it. */
const MAX_DEPTH = 512;

const REPLACEMENT = 0xfffd;

export const QUOTE = 0x22;
export const COLON = 0x3a;
export const COMMA = 0x2c;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const LETTER_U = 0x75;

const LITERALS: Readonly<Record<number, Uint8Array>> = Object.fromEntries(
  ["true", "false", "null"].map((literal) => [literal.charCodeAt(0), Buffer.from(literal)]),
);

/** The byte that the letter after a backslash stands for. */
const ESCAPES: Readonly<Record<number, number>> = Object.fromEntries(
  ['""', "\\\\", "//", "b\b", "f\f", "n\n", "r\r", "t\t"].map((pair) => [pair.charCodeAt(0), pair.charCodeAt(1)]),
);

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

export function beginsNumber(byte: number): boolean {
  return byte === MINUS || isDigit(byte);
}

function hexDigit(byte: number): number {
  if (isDigit(byte)) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;
const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000;

export class JsonCursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  position: number;
  /** "expected ..."; the cursor stands where it was found. */
  fault: string | undefined;
  /** Whether the string read last had an escape, and one that names half a surrogate pair. */
  escaped = false;
  loneSurrogate = false;

  constructor(bytes: Uint8Array, begin: number, end: number) {
    this.bytes = bytes;
    this.position = begin;
    this.end = end;
  }

  /** The next byte, 0 at the end (which begins no value). */
  peek(): number {
    return this.position < this.end ? this.bytes[this.position]! : 0;
  }

  skipWhitespace(): void {
    for (; this.position < this.end; this.position += 1) {
      const byte = this.bytes[this.position]!;
      if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return;
    }
  }

  fail(sentence: string): false {
    this.fault = sentence;
    return false;
  }

  expect(byte: number, sentence: string): boolean {
    if (this.peek() !== byte) return this.fail(sentence);
    this.position += 1;
    return true;
  }

  // Each of these stands at the first byte of what it reads and moves past it; false: `fault` says why.

  skipValue(depth: number): boolean {
    if (this.position >= this.end) return this.fail("expected a value, got the end of the record");
    const byte = this.bytes[this.position]!;
    if (byte === QUOTE) return this.skipString();
    if (byte === OPEN_BRACE) return this.#skipObject(depth);
    if (byte === OPEN_BRACKET) return this.#skipArray(depth);
    if (beginsNumber(byte)) return this.skipNumber();
    return this.#skipLiteral(LITERALS[byte]);
  }

  skipString(): boolean {
    return this.#string(undefined);
  }

  /** Appends the string's value. A lone surrogate is marked and leaves U+FFFD. */
  readString(out: ByteSink): boolean {
    return this.#string(out);
  }

  skipNumber(): boolean {
    if (this.peek() === MINUS) this.position += 1;
    // A digit after a leading zero is left over and faults where a comma should be.
    if (this.peek() === ZERO) this.position += 1;
    else if (!this.#skipDigits("expected a digit")) return false;
    if (this.peek() === DOT) {
      this.position += 1;
      if (!this.#skipDigits("expected a digit after the decimal point")) return false;
    }
    if ((this.peek() | 0x20) === 0x65) {
      this.position += 1;
      if (this.peek() === PLUS || this.peek() === MINUS) this.position += 1;
      if (!this.#skipDigits("expected a digit in the exponent")) return false;
    }
    return true;
  }

  #skipDigits(sentence: string): boolean {
    if (!isDigit(this.peek())) return this.fail(sentence);
    while (isDigit(this.peek())) this.position += 1;
    return true;
  }

  #skipLiteral(literal: Uint8Array | undefined): boolean {
    if (literal === undefined || this.end - this.position < literal.length) return this.fail("expected a value");
    for (let i = 0; i < literal.length; i += 1) {
      if (this.bytes[this.position + i] !== literal[i]) return this.fail("expected a value");
    }
    this.position += literal.length;
    return true;
  }

  #skipObject(depth: number): boolean {
    if (depth >= MAX_DEPTH) return this.fail("expected nesting of at most 512 levels");
    this.position += 1;
    this.skipWhitespace();
    if (this.peek() === CLOSE_BRACE) return this.expect(CLOSE_BRACE, "");
    for (;;) {
      if (this.peek() !== QUOTE) return this.fail("expected a name in quotes");
      if (!this.skipString()) return false;
      this.skipWhitespace();
      if (!this.expect(COLON, "expected a colon after a name")) return false;
      this.skipWhitespace();
      if (!this.skipValue(depth + 1)) return false;
      this.skipWhitespace();
      if (this.peek() === CLOSE_BRACE) return this.expect(CLOSE_BRACE, "");
      if (!this.expect(COMMA, "expected a comma or } after a member")) return false;
      this.skipWhitespace();
    }
  }

  #skipArray(depth: number): boolean {
    if (depth >= MAX_DEPTH) return this.fail("expected nesting of at most 512 levels");
    this.position += 1;
    this.skipWhitespace();
    if (this.peek() === CLOSE_BRACKET) return this.expect(CLOSE_BRACKET, "");
    for (;;) {
      if (!this.skipValue(depth + 1)) return false;
      this.skipWhitespace();
      if (this.peek() === CLOSE_BRACKET) return this.expect(CLOSE_BRACKET, "");
      if (!this.expect(COMMA, "expected a comma or ] after an element")) return false;
      this.skipWhitespace();
    }
  }

  #string(out: ByteSink | undefined): boolean {
    const { bytes, end } = this;
    this.escaped = false;
    this.loneSurrogate = false;
    this.position += 1;
    for (;;) {
      let at = this.position;
      while (at < end && bytes[at]! >= 0x20 && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH) at += 1;
      out?.append(bytes, this.position, at);
      this.position = at;
      if (at === end) return this.fail("expected a closing quote, got the end of the record");
      this.position += 1;
      if (bytes[at] === QUOTE) return true;
      if (bytes[at] !== BACKSLASH) {
        this.position = at;
        return this.fail("expected an escape for a control character in a string");
      }
      this.escaped = true;
      if (!this.#escape(out)) return false;
    }
  }

  /** Stands behind the backslash. */
  #escape(out: ByteSink | undefined): boolean {
    if (this.peek() !== LETTER_U) {
      const byte = ESCAPES[this.peek()];
      if (byte === undefined) return this.fail('expected one of "\\/bfnrtu after a backslash');
      out?.push(byte);
      this.position += 1;
      return true;
    }
    this.position += 1;
    let unit = this.#hex4();
    if (unit < 0) return false;
    if (isHighSurrogate(unit) && this.#nextIs(BACKSLASH, LETTER_U)) {
      const before = this.position;
      this.position += 2;
      const low = this.#hex4();
      if (low < 0) return false;
      if (isLowSurrogate(low)) {
        out?.appendCodePoint(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
        return true;
      }
      this.position = before;
    }
    if (isHighSurrogate(unit) || isLowSurrogate(unit)) {
      this.loneSurrogate = true;
      unit = REPLACEMENT;
    }
    out?.appendCodePoint(unit);
    return true;
  }

  #nextIs(first: number, second: number): boolean {
    const { bytes, position, end } = this;
    return end - position >= 2 && bytes[position] === first && bytes[position + 1] === second;
  }

  /** -1: no four digits. */
  #hex4(): number {
    let value = 0;
    for (let i = 0; i < 4; i += 1) {
      const digit = hexDigit(this.peek());
      if (digit < 0) {
        this.fail("expected four hexadecimal digits after \\u");
        return -1;
      }
      value = (value << 4) | digit;
      this.position += 1;
    }
    return value;
  }
}
