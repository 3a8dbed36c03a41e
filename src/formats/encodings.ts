// Names of encodings, as people write them: the labels of the WHATWG Encoding standard (https://encoding.spec.whatwg.org),
// as far as Node's TextDecoder knows them. Knows nothing of decoding.

export const UTF_8 = "utf-8";
/** The standard takes it for little endian; here a byte order mark may say otherwise. */
export const UTF_16 = "utf-16";

/** No encodings, but what a browser makes of pages that it must not decode. */
const OF_BROWSERS = ["replacement", "x-user-defined"];

/** The one name of the encoding that a label stands for ("latin1": "windows-1252"); undefined: of none. */
export function encodingOfLabel(label: string): string | undefined {
  if (label.trim().toLowerCase() === UTF_16) return UTF_16;
  try {
    const { encoding } = new TextDecoder(label);
    return OF_BROWSERS.includes(encoding) ? undefined : encoding;
  } catch {
    return undefined;
  }
}
