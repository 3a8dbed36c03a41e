// What a person may say about reading documents: the same keys with the same words in every stage that reads them.
import { z } from "../base/schema.js";
import type { ReadOptions } from "../records/block-reader.js";
import { DEFAULT_READ_OPTIONS } from "./corpus.js";
import { encodingOfLabel } from "./encodings.js";

export const fieldPath = z.string().regex(/^[^.]+(\.[^.]+)*$/, "expected a name, or names joined by single dots");

/** Members of a stage's schema; `refuseCrossedFields` goes with them. */
export const readFields = {
  /** Where a record keeps its text. */
  textField: fieldPath.default(DEFAULT_READ_OPTIONS.textField),
  /** Records without an id get `<source>#<byte offset>`. */
  idField: fieldPath.default(DEFAULT_READ_OPTIONS.idField),
  sourceField: fieldPath.default(DEFAULT_READ_OPTIONS.sourceField),
  /** Longer documents are rejected as "too-long". */
  maxDocumentBytes: z
    .int()
    .min(1)
    .max(2 ** 30)
    .default(DEFAULT_READ_OPTIONS.maxDocumentBytes),
};

/** Member of the schemas of stages that read JSON files. */
export const recordsField = z
  .union([z.literal(""), fieldPath])
  .default("")
  .describe("dotted path from each value of a JSON file to its records");

/** Member of the schemas of stages that read texts of any encoding; and of an input of a recipe. */
export const encoding = z
  .string()
  .transform((label, context) => {
    const name = encodingOfLabel(label);
    if (name !== undefined) return name;
    const message = "expected the name of an encoding, such as utf-16le, windows-1252 or shift_jis";
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  })
  .optional();

const FIELDS = ["textField", "idField", "sourceField"] as const;

/** No field may be, or lie inside, another: for a schema's superRefine. Of two that are equal, the one that was chosen is told. */
export function refuseCrossedFields(options: ReadOptions, context: z.RefinementCtx): void {
  const otherOf = (field: (typeof FIELDS)[number]) =>
    FIELDS.find((name) => name !== field && `${options[field]}.`.startsWith(`${options[name]}.`));
  const crossed = FIELDS.filter((field) => otherOf(field) !== undefined);
  const field = crossed.find((name) => options[name] !== DEFAULT_READ_OPTIONS[name]) ?? crossed[0];
  if (field === undefined) return;
  const other = otherOf(field)!;
  const message = `expected a field apart from ${other} ("${options[other]}")`;
  context.addIssue({ code: "custom", message, path: [field] });
}
