// What must be true of a table's columns before any row of it is read.
import { invalid } from "../../base/errors.js";
import type { ReadOptions } from "../../records/block-reader.js";

const MAX_NAMES = 12;

/** Refuses tables that name a column twice, since it is not ours to say which was meant, or have none for the text. */
export function checkColumns(file: string, columns: readonly string[], { textField }: ReadOptions): void {
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  const where = { file };
  if (twice !== undefined) {
    throw invalid("table-columns", `expected each column once in ${file}, got ${JSON.stringify(twice)} twice`, {
      where,
      hint: "rename one of them",
    });
  }
  if (columns.includes(textField.split(".")[0]!)) return;
  const names = columns.slice(0, MAX_NAMES).map((name) => JSON.stringify(name.slice(0, 64)));
  const more = columns.length > MAX_NAMES ? `, and ${columns.length - MAX_NAMES} more` : "";
  throw invalid(
    "table-columns",
    `expected a column ${JSON.stringify(textField)} in ${file}, got ${names.join(", ") || "none"}${more}`,
    {
      where,
      hint: hintFor(columns, textField),
    },
  );
}

function hintFor(columns: readonly string[], textField: string): string {
  if (columns.includes(textField)) return "a dot leads into a nested column: rename the one whose own name has a dot";
  if (columns.length === 1 && columns[0]!.includes(";"))
    return "fields are separated by commas, in .tsv files by tabs: write the table so";
  return "name the column that holds the texts with --text-field";
}
