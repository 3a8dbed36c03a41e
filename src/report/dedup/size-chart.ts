// A histogram on two logarithmic axes: how many clusters of which size. Ranges of sizes double.
import type { DedupStatistics } from "../../formats/dedup-statistics.js";
import { type AxisLabel, type Plot, px, type Scale, scale, xAxis, yAxis } from "../axes.js";
import { count } from "../figures.js";
import { html, type Markup } from "../html.js";

/** Sizes from `from` to `to`, both included. */
export type SizeBin = Pick<DedupStatistics["clusters"]["sizes"][number], "from" | "to" | "clusters">;

const WIDTH = 900;
const HEIGHT = 290;
const PLOT: Plot = { left: 72, right: WIDTH - 16, top: 26, bottom: HEIGHT - 44 };
/** Of the height of 1 on the logarithmic axis, so that a single cluster shows. */
const FLOOR = 0.6;
const GAP = 8;
const CHARACTER_WIDTH = 7;

/** "2", "3 to 4", ... */
export function sizeRange({ from, to }: SizeBin): string {
  return from === to ? count(from) : `${count(from)} to ${count(to)}`;
}

/** `bins` by rising size, empty ones left out. */
export function sizeChart(bins: readonly SizeBin[]): Markup | undefined {
  if (bins.length === 0) return undefined;
  const most = Math.max(...bins.map(({ clusters }) => clusters));
  const top = 10 ** Math.max(1, Math.ceil(Math.log10(most)));
  const log = scale([Math.log10(FLOOR), Math.log10(top)], [PLOT.bottom, PLOT.top]);
  const y = (value: number): number => log(Math.log10(value));
  const sizes = scale([Math.log(bins[0]!.from), Math.log(bins.at(-1)!.to + 1)], [PLOT.left + GAP, PLOT.right]);
  const x = (size: number): number => sizes(Math.log(size));
  const powers: AxisLabel[] = Array.from({ length: Math.round(Math.log10(top)) + 1 }, (_, power) => ({
    at: 10 ** power,
    text: count(10 ** power),
  }));
  return html`<figure class="chart">
<figcaption><strong>Clusters by size</strong><span class="key">both axes logarithmic</span></figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Number of clusters by number of documents; the figures are in the table below">
${yAxis(powers, y, PLOT, "clusters")}
${xAxis(namesOf(bins, x), x, PLOT, "documents in a cluster, the kept one included")}
${bins.map((bin) => column(bin, x, y))}
</svg>
</figure>`;
}

/** In the middle of each column, as many as fit side by side. */
function namesOf(bins: readonly SizeBin[], x: Scale): AxisLabel[] {
  let free = Number.NEGATIVE_INFINITY;
  return bins.flatMap((bin) => {
    const at = Math.sqrt(bin.from * (bin.to + 1));
    const text = sizeRange(bin);
    const half = (text.length * CHARACTER_WIDTH) / 2;
    if (x(at) - half < free) return [];
    free = x(at) + half + GAP;
    return [{ at, text }];
  });
}

function column(bin: SizeBin, x: Scale, y: Scale): Markup {
  const [left, right, top] = [x(bin.from), x(bin.to + 1) - GAP, y(bin.clusters)];
  return html`<g><title>${sizeRange(bin)} documents: ${count(bin.clusters)} clusters</title><rect class="column" x="${px(left)}" y="${px(top)}" width="${px(Math.max(1, right - left))}" height="${px(PLOT.bottom - top)}" rx="2"/><text class="tick" text-anchor="middle" x="${px((left + right) / 2)}" y="${px(top - 5)}">${count(bin.clusters)}</text></g>\n`;
}
