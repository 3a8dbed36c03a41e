// Words and lines as the ratios of C4 and Gopher count them here: words between white space, lines that are not blank.

/** The ratios of a longer text are those of its beginning: bounds memory, and a JavaScript Map holds 2^24 keys. */
const JUDGED_UNITS = 2 ** 23;

export function judgedPart(text: string): string {
  return text.length <= JUDGED_UNITS ? text : text.slice(0, JUDGED_UNITS);
}

export function wordsOf(text: string): string[] {
  return text.match(/\S+/gu) ?? [];
}

/** Lines with something on them, trimmed. */
export function linesOf(text: string): string[] {
  return piecesOf(text, /\n+/);
}

export function paragraphsOf(text: string): string[] {
  return piecesOf(text, /\n\s*\n/);
}

function piecesOf(text: string, border: RegExp): string[] {
  return text
    .split(border)
    .map((piece) => piece.trim())
    .filter((piece) => piece !== "");
}

/** Lines one at a time, as they are. */
export function* eachLine(text: string): Iterable<string> {
  for (let begin = 0; begin <= text.length; ) {
    const found = text.indexOf("\n", begin);
    const end = found < 0 ? text.length : found;
    yield text.slice(begin, end);
    begin = end + 1;
  }
}

/** A share as it stands in a detail: three digits. */
export function share(value: number): string {
  return String(Number(value.toPrecision(3)));
}
