// `millrace inspect FILE` of a corpus file: where its records lie, which fields they have, and the command that reads them.
import { openStored } from "../base/storage/index.js";
import { corpusKind, isTable } from "../formats/corpus.js";
import {
  type FieldLayout,
  type JsonLayout,
  longestField,
  type RecordsLayout,
  readJsonLayout,
  tableColumns,
} from "../read/index.js";
import type { CorpusFormat } from "../records/block-reader.js";

const TEXT_FIELD = "text";

/** Undefined when the name is no corpus file's. */
export async function inspectCorpusFile(path: string): Promise<Record<string, unknown> | undefined> {
  const kind = corpusKind(path);
  if (kind === undefined) return undefined;
  const { format, compression } = kind;
  const file = await openStored(path);
  const { sizeBytes } = file;
  await file.close();
  const about = { kind: "corpus file", format, compression, sizeBytes };
  if (isTable(format)) return { ...about, columns: await tableColumns({ file: path, compression }, format) };
  if (format === "text") return about;
  return { ...about, ...describe(path, format, await readJsonLayout({ file: path, compression }, format)) };
}

function describe(
  path: string,
  format: CorpusFormat,
  { bytesRead, isWhole, encoding, fault, records }: JsonLayout,
): Record<string, unknown> {
  const [likely] = records;
  const command = likely === undefined ? undefined : commandFor(path, likely);
  return {
    ...(encoding === undefined ? {} : { encoding }),
    read: isWhole ? "all of it" : `the first ${bytesRead} bytes`,
    ...(fault === undefined ? {} : { fault }),
    ...(command === undefined ? {} : { command }),
    records: records.map((place) => ({
      at: nameOf(place, format),
      count: isWhole ? place.count : `at least ${place.count}`,
      types: place.types,
      fields: Object.fromEntries(place.fields.map((field) => [field.name, describeField(field, place)])),
      ...(place.hasMore ? { more: "fields that are not listed" } : {}),
    })),
  };
}

function nameOf({ recordsField }: RecordsLayout, format: CorpusFormat): string {
  if (recordsField !== "") return recordsField;
  return format === "jsonl" ? "the lines" : "the file's values, or the elements of its array";
}

function describeField({ records, types, characters, example }: FieldLayout, { count }: RecordsLayout): string {
  const found = Object.entries(types).map(([type, times]) => (times === records ? type : `${type} ${times} times`));
  const strings = types.string ?? 0;
  const mean = strings > 0 ? `, ${Math.round(characters / strings)} characters on average` : "";
  const begin = example === undefined ? "" : `, such as ${JSON.stringify(example)}`;
  return `${found.join(" or ")}, in ${records} of ${count}${mean}${begin}`;
}

/** Undefined: no strings were seen that could be a text. */
function commandFor(path: string, place: RecordsLayout): string | undefined {
  const text = place.fields.find(({ name, types }) => name === TEXT_FIELD && types.string) ?? longestField(place);
  if (text === undefined) return undefined;
  const records = place.recordsField === "" ? "" : ` --records-field ${quoted(place.recordsField)}`;
  const field = text.name === TEXT_FIELD ? "" : ` --text-field ${quoted(text.name)}`;
  return `millrace clean ${quoted(path)}${records}${field} --out DIR`;
}

function quoted(argument: string): string {
  return /^[\w./:@-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
