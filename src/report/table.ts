// Tables with a header cell for every row and column, and bars beside figures. A bar only shows what a cell of its row says
// in figures.
import { html, Markup, type Piece } from "./html.js";

export interface Column {
  readonly name: string;
  /** "number" is set right, "wide" may wrap and "bar" takes what width there is. */
  readonly kind: "name" | "number" | "share" | "wide" | "bar";
}

export interface Row {
  /** One a column; the first names the row. */
  readonly cells: readonly Piece[];
  readonly kind?: "indent" | "total" | undefined;
}

/** The caption is read aloud, not shown: headings tell it to the eye. */
export function table(caption: string, columns: readonly Column[], rows: readonly Row[]): Markup {
  const head = columns.map(({ name, kind }) => html`<th scope="col" class="${kind}">${name}</th>`);
  const body = rows.map(({ cells, kind }) => {
    const [name, ...rest] = cells;
    const others = rest.map((cell, index) => html`<td class="${columns[index + 1]!.kind}">${cell}</td>`);
    return html`<tr${kind !== undefined && html` class="${kind}"`}><th scope="row" class="${columns[0]!.kind}">${name}</th>${others}</tr>\n`;
  });
  return html`<div class="scroll"><table><caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody></table></div>`;
}

/** `share` and `from` are of the cell's width. */
export function bar(share: number, kind: "" | "loss" | "kept" = "", from = 0): Markup {
  const width = percentOf(Math.min(share, 1 - from));
  const margin = from === 0 ? "" : `margin-inline-start:${percentOf(from)};`;
  return html`<div class="bar ${kind}" style="${new Markup(margin)}width:${width}"></div>`;
}

function percentOf(share: number): string {
  return `${Math.round(1000 * Math.max(0, share)) / 10}%`;
}
