// Amounts of memory as people write them.

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** "512M", "4G", "1.5g", "1000000"; also with "B" or "iB" behind the unit, which is binary in every spelling. */
export function parseByteSize(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*$/i.exec(text);
  if (match === null) return undefined;
  return Math.floor(Number(match[1]) * UNITS[match[2]!.toUpperCase()]!);
}
