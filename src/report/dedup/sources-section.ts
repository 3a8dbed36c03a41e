// Which sources lost how much, to which others, and an alarm when one lost more than half: the sign of a template that
// makes unlike documents alike, or of one corpus that is a copy of another.
import type { DedupStatistics } from "../../formats/dedup-statistics.js";
import { count, percent } from "../figures.js";
import { html, type Markup } from "../html.js";
import { nameOf } from "../names.js";
import { bar, type Row, table } from "../table.js";
import { witnessMatrix } from "./witness-matrix.js";

type Sources = DedupStatistics["sources"];
type Source = Sources["list"][number];

const MAX_ROWS = 20;
const MAX_ALARMS = 10;

export function sourcesSection(sources: Sources): Markup | undefined {
  if (sources.sources === 0) return undefined;
  return html`<h3 id="sources">Removal by source</h3>
${alarm(sources)}
${sources.sources === 1 && html`<p class="soft small">All documents have one source. <code>--source-field</code> names the field that tells sources apart.</p>`}
${sourceTable(sources)}
${sources.sources > 1 && witnessMatrix(sources.witnesses)}`;
}

/** Where a reader of the page cannot miss it: above the table, and at the head of the page. */
export function alarm({ alarms, num_alarms, witnesses }: Sources): Markup | undefined {
  if (num_alarms === 0) return undefined;
  const items = alarms.slice(0, MAX_ALARMS).map(({ source, documents, removed }) => {
    const because = mostlyBecauseOf(source, witnesses);
    return html`<li>${nameOf(source)} lost ${percent(removed, documents)}: ${count(removed)} of ${count(documents)} documents${because}.</li>\n`;
  });
  const more = num_alarms - items.length;
  return html`<div class="alarm" role="note"><strong>Alarm: ${num_alarms === 1 ? "a source" : `${count(num_alarms)} sources`} lost more than half of ${num_alarms === 1 ? "its" : "their"} documents</strong>
<ul>${items}${more > 0 && html`<li>and ${count(more)} more</li>`}</ul>
<p>Look at their pairs before training on the rest: a template that all pages share, or a second copy of another source, looks like this.</p></div>`;
}

function mostlyBecauseOf(source: string, witnesses: Sources["witnesses"]): Markup | undefined {
  const first = witnesses.find(({ removed }) => removed === source);
  if (first === undefined) return undefined;
  const whose = first.witness === source ? "of the same source" : html`of ${nameOf(first.witness)}`;
  return html`, ${count(first.documents)} of them because of documents ${whose}`;
}

/** Those that lost most first. */
function sourceTable({ list, sources }: Sources): Markup {
  const ordered = [...list].sort((a, b) => removedOf(b) - removedOf(a) || documentsOf(b) - documentsOf(a));
  const shown = ordered.slice(0, MAX_ROWS);
  return html`${table(
    "Documents by source",
    [
      { name: "source", kind: "name" },
      { name: "read", kind: "number" },
      { name: "rejected", kind: "number" },
      { name: "copies", kind: "number" },
      { name: "near-duplicates", kind: "number" },
      { name: "kept", kind: "number" },
      { name: "lost", kind: "share" },
      { name: "", kind: "bar" },
    ],
    shown.map(sourceRow),
  )}
${sources > shown.length && html`<p class="soft small">${count(sources - shown.length)} more sources are not shown.</p>`}`;
}

function removedOf({ exact_copies, near_duplicates }: Source): number {
  return exact_copies + near_duplicates;
}

function documentsOf(source: Source): number {
  return removedOf(source) + source.kept;
}

function sourceRow(source: Source): Row {
  const [documents, removed] = [documentsOf(source), removedOf(source)];
  const lost = percent(removed, documents);
  return {
    cells: [
      nameOf(source.source),
      count(source.read),
      count(source.rejected),
      count(source.exact_copies),
      count(source.near_duplicates),
      count(source.kept),
      2 * removed > documents ? html`<strong class="warn">! ${lost}</strong>` : lost,
      bar(documents === 0 ? 0 : removed / documents, "loss"),
    ],
  };
}
