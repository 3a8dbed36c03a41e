// How many documents stand behind one that was kept: a histogram, and the largest clusters with their kept ids.
import type { DedupStatistics } from "../../formats/dedup-statistics.js";
import { count } from "../figures.js";
import { html, type Markup } from "../html.js";
import { nameOf } from "../names.js";
import { bar, table } from "../table.js";
import { explainCommand } from "./explain-command.js";
import { sizeChart, sizeRange } from "./size-chart.js";

const MAX_LARGEST = 10;

/** A cluster: a kept document and those removed because of it; documents alone are none. */
export function clustersSection(
  { clusters: number, sizes, largest }: DedupStatistics["clusters"],
  dir: string,
): Markup | undefined {
  const first = largest[0];
  if (first === undefined) return undefined;
  return html`<h3 id="clusters">Clusters</h3>
<p>${count(number)} kept documents stand for others as well; the largest cluster has ${count(first.documents)} documents. A cluster is a star: each of its documents resembles the kept one itself, not only another that does.</p>
${sizeChart(sizes)}
<details><summary>The figures of the chart</summary>${table(
    "Clusters by size",
    [
      { name: "size", kind: "name" },
      { name: "clusters", kind: "number" },
      { name: "documents in all", kind: "number" },
      { name: "", kind: "bar" },
    ],
    sizes.map((size) => ({
      cells: [sizeRange(size), count(size.clusters), count(size.documents), bar(size.clusters / number)],
    })),
  )}</details>
<h4>The largest</h4>
${table(
  "The largest clusters",
  [
    { name: "kept document", kind: "wide" },
    { name: "documents", kind: "number" },
    { name: "look", kind: "wide" },
  ],
  largest
    .slice(0, MAX_LARGEST)
    .map(({ kept, documents }) => ({ cells: [nameOf(kept), count(documents), explainCommand(kept, dir)] })),
)}`;
}
