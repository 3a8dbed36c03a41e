// GPT-2's alphabet: one printable character for each byte, and back.

const printable = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;

function alphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    if (printable(byte)) return String.fromCharCode(byte);
    next += 1;
    return String.fromCharCode(next - 1);
  });
}

const CHARACTERS: readonly string[] = alphabet();
const BYTES: ReadonlyMap<string, number> = new Map(CHARACTERS.map((character, byte) => [character, byte]));
const encoder = new TextEncoder();

/** All 256 characters, by byte. */
export const BYTE_CHARACTERS: readonly string[] = CHARACTERS;

export function toByteCharacters(text: string): string {
  let result = "";
  for (const byte of encoder.encode(text)) result += CHARACTERS[byte];
  return result;
}

/** undefined where a character is none of the alphabet. */
export function fromByteCharacters(text: string): number[] | undefined {
  const bytes: number[] = [];
  for (const character of text) {
    const byte = BYTES.get(character);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return bytes;
}
