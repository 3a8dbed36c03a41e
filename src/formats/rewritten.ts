// rewritten/rewritten-<block>.jsonl (docs/formats/rewritten.md): the documents of a block whose texts a rule of clean has
// changed, in the order of the input, with the place where the text as it was read stands.

const REWRITTEN_FOLDER = "rewritten";

/** Documents that a rule has changed are counted as `changed_<rule>`. */
export const CHANGED_PREFIX = "changed_";

export interface RewrittenRecord {
  readonly file: string;
  /** Of the record in the decompressed file. */
  readonly offset: number;
  readonly id: string;
  /** The rules that changed it, in the order they run. */
  readonly rules: readonly string[];
}

/** Below the stage's folder. */
export function rewrittenPath(block: string): string {
  return `${REWRITTEN_FOLDER}/rewritten-${block}.jsonl`;
}

/** Of a path below the stage's folder. */
export function isRewritten(path: string): boolean {
  return path.startsWith(`${REWRITTEN_FOLDER}/`);
}

export function formatRewritten({ file, offset, id, rules }: RewrittenRecord): string {
  return `${JSON.stringify({ file, offset, id, rules })}\n`;
}
