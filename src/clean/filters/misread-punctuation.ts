// Quotes, dashes, the ellipsis and the bullet as other readers than windows-1252 show their UTF-8: E2 80 and a third byte. Of
// what these make of UTF-8 no more is undoubted in a text of any language: their images of other leads are common letters.

/** The third byte of each sign, and what each reader makes of it; windows-1250 where it differs from windows-1252. */
// biome-ignore format: a table
const SIGNS: readonly (readonly [sign: string, windows1251: string, macRoman: string, windows1250?: string])[] = [
  ["\u2013", "\u201c", "\u00ec"], ["\u2014", "\u201d", "\u00ee"], ["\u2018", "\u0098", "\u00f2"],
  ["\u2019", "\u2122", "\u00f4"], ["\u201c", "\u045a", "\u00fa", "\u015b"], ["\u201d", "\u045c", "\u00f9", "\u0165"],
  ["\u2022", "\u045e", "\u00a2", "\u02d8"], ["\u2026", "\u00a6", "\u00b6"],
];
/** Images of E2 80: no language has a small Cyrillic letter before a capital Dje, a low quote before these, or a euro sign so. */
const [WINDOWS_1251, MAC_ROMAN, WINDOWS_1250] = ["\u0432\u0402", "\u201a\u00c4", "\u00e2\u20ac"];

const signOf = new Map(
  SIGNS.flatMap(([sign, windows1251, macRoman, windows1250]): [string, string][] => [
    [WINDOWS_1251 + windows1251, sign],
    [MAC_ROMAN + macRoman, sign],
    ...(windows1250 === undefined ? [] : [[WINDOWS_1250 + windows1250, sign] as [string, string]]),
  ]),
);
/** The end of Mac Roman's bullet and ellipsis is a letter of Latvian misread as windows-1252: not behind what may begin one. */
const LATVIAN = /[\u00a2\u00b6]$/u;
const MAY_BEGIN_LATVIAN = /[\u0080-\u009f\u00c2-\u00f4]$/u;
const BEGINNINGS = new RegExp(`(?:${WINDOWS_1251}|${MAC_ROMAN}|${WINDOWS_1250}).`, "gsu");

/** Comes before the repair of windows-1252, which would take two of these apart. */
export function repairPunctuation(text: string): string {
  return text.replace(BEGINNINGS, (image, at: number) => {
    const isLatvian = image.startsWith(MAC_ROMAN) && LATVIAN.test(image) && MAY_BEGIN_LATVIAN.test(text.charAt(at - 1));
    return isLatvian ? image : (signOf.get(image) ?? image);
  });
}

const MAY_BE_1251 = Buffer.from(WINDOWS_1251);

/** Whether UTF-8 bytes without the byte C3 can hold what `repairPunctuation` looks for. */
export function mayHoldMisreadPunctuation(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(MAY_BE_1251);
}
