// Text is UTF-8 here. A file in another encoding of Unicode says so by its first bytes, its byte order mark.
import { invalid } from "../base/errors.js";

/** The longer marks first: that of UTF-32LE begins with that of UTF-16LE. */
const MARKS = [
  { name: "UTF-32LE", bytes: [0xff, 0xfe, 0x00, 0x00] },
  { name: "UTF-32BE", bytes: [0x00, 0x00, 0xfe, 0xff] },
  { name: "UTF-16LE", bytes: [0xff, 0xfe] },
  { name: "UTF-16BE", bytes: [0xfe, 0xff] },
] as const;

/** What the first bytes of a file say of its encoding when that is not UTF-8. */
export function foreignEncoding(begin: Uint8Array): string | undefined {
  return MARKS.find(({ bytes }) => bytes.every((byte, i) => begin[i] === byte))?.name;
}

/** Of files of records: every one of them would be damaged. */
export function refuseForeignEncoding(file: string, begin: Uint8Array): void {
  const encoding = foreignEncoding(begin);
  if (encoding === undefined) return;
  throw invalid("input-encoding", `expected UTF-8 in ${file}, got the byte order mark of ${encoding}`, {
    where: { file, offset: 0 },
    hint: `convert it: \`iconv -f ${encoding} -t UTF-8\``,
  });
}
