// What was rejected, for damage or by a rule: reasons, counts, files, and the first records of each with a command that shows them.
import { corpusKind } from "../formats/corpus.js";
import type { RejectedRecord } from "../records/document-block.js";
import { count } from "./figures.js";
import { html, type Markup, type Piece } from "./html.js";
import { nameOf, shellWord, shorten } from "./names.js";
import type { RejectedReason } from "./rejected-data.js";
import type { Section } from "./section.js";
import { type Row, table } from "./table.js";

/** docs/formats/rejected.md in a few words. */
const MEANINGS: Readonly<Record<string, string>> = {
  "invalid-utf8": "bytes that are not UTF-8",
  "invalid-encoding": "bytes that are no text in the encoding of the file",
  "invalid-json": "not one JSON value, or a line that was cut off",
  "invalid-csv": "no record of CSV with as many fields as the header",
  "not-an-object": "another JSON value than an object",
  "missing-text": "no text field",
  "text-not-a-string": "a text field of another type",
  "id-not-a-string-or-number": "an id field of another type",
  "too-long": "longer than the limit for a document",
  "duplicate-key": "a member named twice",
  "lone-surrogate": "half a surrogate pair, escaped, where its value is needed",
  "duplicate-id": "the id of an earlier document",
  "missing-records": "no records where recordsField says they lie",
  "bad-word": "a word of the list; a rule, like all below it: nothing is wrong with the record",
  "blocked-url": "an address that is left out",
  "listed-title": "a title of the list",
  "low-quality": "a rule of Gopher's for quality",
  "other-language": "none of the languages that are kept",
  repetitive: "a rule of Gopher's for repetition",
  "too-short": "fewer tokens than the rule asks for",
  "unfit-page": "a rule of C4's for pages",
};

const MAX_DETAIL = 200;

export function rejectedSection(reasons: readonly RejectedReason[]): Section | undefined {
  if (reasons.length === 0) return undefined;
  const total = reasons.reduce((sum, { records }) => sum + records, 0);
  const rows: Row[] = reasons.map((one) => ({
    cells: [
      html`<b>${one.reason}</b>`,
      one.stage,
      count(one.records),
      MEANINGS[one.reason],
      html`${one.files.map(({ file, records }) => html`<div>${nameOf(file)} (${count(records)})</div>`)}${one.numFiles > one.files.length && html`<div>and ${count(one.numFiles - one.files.length)} more files</div>`}`,
    ],
  }));
  const body = html`<p>${count(total)} records were rejected. All of them, with file, byte offset, line and reason, are in <code>rejected/rejected.jsonl</code> in the stage's folder.</p>
${table(
  "Rejected records by reason",
  [
    { name: "reason", kind: "name" },
    { name: "stage", kind: "name" },
    { name: "records", kind: "number" },
    { name: "meaning", kind: "wide" },
    { name: "files", kind: "wide" },
  ],
  rows,
)}
<h3>The first of each</h3>
${table(
  "The first rejected records of each reason",
  [
    { name: "reason", kind: "name" },
    { name: "line", kind: "number" },
    { name: "offset", kind: "number" },
    { name: "what and where", kind: "wide" },
  ],
  reasons.flatMap((one) => one.examples.map((record) => exampleRow(record))),
)}`;
  return { id: "rejected", title: "What was rejected", body };
}

function exampleRow(record: RejectedRecord): Row {
  const { reason, line, offset, id, detail, file } = record;
  const what: Piece = [
    id !== undefined && html`<div>${nameOf(id)}</div>`,
    detail !== undefined && detail !== "" && html`<div class="soft">${shorten(detail, MAX_DETAIL)}</div>`,
    showCommand(record) ?? nameOf(file),
  ];
  return { cells: [reason, line === 0 ? "" : count(line), count(offset), what] };
}

/** Undefined for a file that a shell does not reach, or whose rows are not text. */
function showCommand({ file, offset, line }: RejectedRecord): Markup | undefined {
  const path = shellWord(file);
  const { format, compression = "none" } = corpusKind(file) ?? {};
  if (format === "parquet" || format === "arrow") return undefined;
  if (path === undefined || line === 0 || /^[a-z0-9]+:\/\//.test(file)) return undefined;
  const from = `tail -c +${offset + 1}`;
  const unpack = { none: undefined, gzip: "gzip -dc", zstd: "zstd -dc" }[compression];
  const read = unpack === undefined ? `${from} ${path}` : `${unpack} ${path} | ${from}`;
  return html`<code class="command">${read} | head -n 1</code>`;
}
