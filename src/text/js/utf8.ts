// Where UTF-8 ends to be well-formed (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF).

const isContinuation = (byte: number): boolean => byte >= 0x80 && byte < 0xc0;

/** Length of the well-formed sequence at `at`; 0: there is none. */
function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  const length =
    lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > end) return 0;
  for (let i = 1; i < length; i += 1) if (!isContinuation(bytes[at + i]!)) return 0;
  const second = bytes[at + 1]!;
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  return second >= least && second <= most ? length : 0;
}

/** End of the longest well-formed run that begins at `begin`. */
export function validUtf8End(bytes: Uint8Array, begin: number, end: number): number {
  let at = begin;
  while (at < end) {
    const length = sequenceLength(bytes, at, end);
    if (length === 0) return at;
    at += length;
  }
  return at;
}
