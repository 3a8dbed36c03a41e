// Words as runs of characters without the Unicode property White_Space, counted in UTF-8 bytes without decoding them.

/** Length of the white-space character at `position`, 0 when there is none. Valid UTF-8 only. */
function whitespaceLength(text: Uint8Array, position: number): number {
  const lead = text[position]!;
  if (lead <= 0x20) return lead === 0x20 || (lead >= 0x09 && lead <= 0x0d) ? 1 : 0;
  if (lead < 0xc2 || lead > 0xe3) return 0;
  const second = text[position + 1]!;
  if (lead === 0xc2) return second === 0x85 || second === 0xa0 ? 2 : 0; // U+0085, U+00A0
  if (lead < 0xe1) return 0;
  const third = text[position + 2]!;
  if (lead === 0xe1) return second === 0x9a && third === 0x80 ? 3 : 0; // U+1680
  if (lead === 0xe3) return second === 0x80 && third === 0x80 ? 3 : 0; // U+3000
  if (second === 0x81) return third === 0x9f ? 3 : 0; // U+205F
  if (second !== 0x80) return 0;
  // U+2000 to U+200A, U+2028, U+2029, U+202F
  return third <= 0x8a || third === 0xa8 || third === 0xa9 || third === 0xaf ? 3 : 0;
}

/** Words of text[begin, end), but no more than `limit`: counting stops there. */
export function countWhitespaceWords(text: Uint8Array, begin: number, end: number, limit: number): number {
  let words = 0;
  let inside = false;
  for (let position = begin; position < end && words < limit; ) {
    const length = whitespaceLength(text, position);
    if (length > 0) {
      inside = false;
      position += length;
      continue;
    }
    if (!inside) words += 1;
    inside = true;
    position += 1;
  }
  return words;
}
