// The door to iconv-lite: which characters the bytes of an encoding stand for. Node's TextDecoder is not asked, as its tables
// are not those of the standard (docs/decisions/0084-encodings.md).
import iconv from "iconv-lite";

/** By what the standard calls them. What it calls GBK, Big5 and EUC-KR are the encodings that hold these. */
const TABLES: Readonly<Record<string, string>> = {
  gbk: "gb18030",
  big5: "big5hkscs",
  "euc-kr": "cp949",
  "iso-8859-8-i": "iso-8859-8",
  "x-mac-cyrillic": "maccyrillic",
};

const UNKNOWN = "\ufffd";

/** The character, or the two, that one whole sequence of bytes stands for; undefined: it stands for nothing. */
export function characterOf(encoding: string, sequence: Uint8Array): string | undefined {
  const text = iconv.decode(sequence, TABLES[encoding] ?? encoding, { stripBOM: false });
  return text === "" || text.includes(UNKNOWN) ? undefined : text;
}
