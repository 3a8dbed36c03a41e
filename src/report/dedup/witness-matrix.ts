// Whose documents were removed because of whose: rows lost documents, columns hold their witnesses.
import type { DedupStatistics } from "../../formats/dedup-statistics.js";
import { count } from "../figures.js";
import { html, type Markup } from "../html.js";
import { nameOf } from "../names.js";

const MAX_SOURCES = 12;

/** Shaded by the share of the row. Sources beyond the largest stand together. */
export function witnessMatrix(witnesses: DedupStatistics["sources"]["witnesses"]): Markup | undefined {
  if (witnesses.length === 0) return undefined;
  const weights = new Map<string, number>();
  for (const { removed, witness, documents } of witnesses) {
    for (const source of new Set([removed, witness])) weights.set(source, (weights.get(source) ?? 0) + documents);
  }
  const ordered = [...weights].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([source]) => source);
  const shown = ordered.slice(0, MAX_SOURCES);
  const places = new Map(shown.map((source, index) => [source, index]));
  const size = shown.length + (ordered.length > shown.length ? 1 : 0);
  const cells = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  for (const { removed, witness, documents } of witnesses) {
    cells[places.get(removed) ?? shown.length]![places.get(witness) ?? shown.length]! += documents;
  }
  const names = [...shown.map(nameOf), ...(size > shown.length ? [html`others`] : [])];
  const rows = cells.flatMap((row, index) => {
    const total = row.reduce((sum, one) => sum + one, 0);
    if (total === 0) return [];
    return [
      html`<tr><th scope="row" class="name">${names[index]}</th>${row.map((documents) => cell(documents, total))}</tr>\n`,
    ];
  });
  return html`<h4>Because of which source</h4>
<p class="soft small">A row: documents removed from that source, by the source of the kept document each resembles. Darker: more of the row.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Removals by pairs of sources"><table class="matrix"><caption>Removed documents by their own source and by that of their witness</caption>
<thead><tr><th scope="col">removed from</th>${names.map((name) => html`<th scope="col" class="number">because of ${name}</th>`)}</tr></thead>
<tbody>
${rows}</tbody></table></div>`;
}

function cell(documents: number, total: number): Markup {
  if (documents === 0) return html`<td class="number none">0</td>`;
  return html`<td class="number heat-${Math.ceil((4 * documents) / total)}">${count(documents)}</td>`;
}
