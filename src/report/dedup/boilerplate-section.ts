// Passages that many documents share without being alike as a whole: menus, licences, notices.
import type { DedupStatistics } from "../../formats/dedup-statistics.js";
import { count, percent } from "../figures.js";
import { html, type Markup } from "../html.js";
import { shorten } from "../names.js";
import { table } from "../table.js";

const MAX_PASSAGES = 20;
const MAX_CHARACTERS = 400;

export function boilerplateSection({ documents, passages }: DedupStatistics["boilerplate"]): Markup | undefined {
  if (documents === 0) return undefined;
  return html`<h3 id="boilerplate">Boilerplate</h3>
${
  passages.length === 0
    ? html`<p>No passage occurs in many of the ${count(documents)} documents looked at.</p>`
    : html`<p class="soft small">The passages that most of the ${count(documents)} documents looked at share, every shingle of them frequent.</p>
${table(
  "Frequent passages",
  [
    { name: "passage", kind: "wide" },
    { name: "documents", kind: "number" },
    { name: "share", kind: "share" },
    { name: "least frequent part", kind: "number" },
  ],
  passages.slice(0, MAX_PASSAGES).map((passage) => ({
    cells: [
      html`<div class="text" dir="auto">${shorten(passage.text, MAX_CHARACTERS)}</div>`,
      count(passage.documents),
      percent(passage.documents, documents),
      count(passage.least_documents),
    ],
  })),
)}`
}`;
}
