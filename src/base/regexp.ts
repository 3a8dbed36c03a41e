// Text as part of a regular expression.

/** The source of an expression, of any flags, that matches `text` and nothing else. */
export function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
