// Text on its way to tokens, and how much of its beginning comes from the first character of the document: all that the
// official library's alignments decide about ids (Metaspace with prepend_scheme "first").

export interface AlignedText {
  readonly text: string;
  /** Code units at the beginning that stem from the document's first character; 0: none. */
  readonly head: number;
}

export function wholeDocument(text: string): AlignedText {
  return { text, head: text === "" ? 0 : lengthOfFirst(text) };
}

export function slice({ text, head }: AlignedText, begin: number, end: number): AlignedText {
  return { text: text.slice(begin, end), head: begin < head ? Math.min(head, end) - begin : 0 };
}

/** `text` put before, as stemming from the first character. */
export function prepended(before: string, { text, head }: AlignedText): AlignedText {
  return { text: before + text, head: head === 0 ? 0 : head + before.length };
}

/** Of a change that treats what is before and after any place apart. */
export function changed({ text, head }: AlignedText, change: (text: string) => string): AlignedText {
  return { text: change(text), head: head === 0 ? 0 : change(text.slice(0, head)).length };
}

/**
 * Of a normal form: a mark behind the first character may come to stand among those that the first one falls into, or become
 * one character with its last; what is behind it then is no longer the first one's.
 */
export function normalized({ text, head }: AlignedText, form: (text: string) => string): AlignedText {
  const whole = form(text);
  if (head === 0 || whole === text) return { text: whole, head };
  const alone = form(text.slice(0, head));
  let common = 0;
  while (common < alone.length && alone.charCodeAt(common) === whole.charCodeAt(common)) common += 1;
  if (common > 0 && whole.codePointAt(common - 1)! > 0xffff) common -= 1;
  return { text: whole, head: Math.max(common, lengthOfFirst(whole)) };
}

export function lengthOfFirst(text: string): number {
  return text.codePointAt(0)! > 0xffff ? 2 : 1;
}
