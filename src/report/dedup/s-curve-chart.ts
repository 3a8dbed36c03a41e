// The S-curve: with which probability the candidate search finds a pair, over the pair's similarity. The line is theory,
// 1 - (1 - s^rows)^bands; the points are what a sample measured, with their intervals and numbers of pairs.
import type { DedupStatistics } from "../../formats/dedup-statistics.js";
import { labelsOf, type Plot, px, type Scale, scale, ticks, vertical, xAxis, yAxis } from "../axes.js";
import { count, decimal } from "../figures.js";
import { html, type Markup } from "../html.js";
import { wilsonInterval } from "./wilson.js";

export type CurvePoint = DedupStatistics["curve"][number];

export type SCurve = Pick<DedupStatistics, "bands" | "rows" | "threshold" | "curve">;

const WIDTH = 900;
const HEIGHT = 380;
const PLOT: Plot = { left: 62, right: WIDTH - 20, top: 26, bottom: HEIGHT - 66 };
const SEGMENTS = 160;
/** Of the numbers of pairs below the axis. */
const LABEL_WIDTH = 58;

function theoryAt(similarity: number, bands: number, rows: number): number {
  return 1 - (1 - similarity ** rows) ** bands;
}

export function sCurveChart({ bands, rows, threshold, curve }: SCurve): Markup {
  const points = curve.filter(({ pairs }) => pairs > 0);
  const first = Math.max(0, Math.min(0.4, threshold - 0.2, ...points.map(({ from }) => from)));
  const xTicks = ticks(Math.floor(first * 10 + 1e-9) / 10, 1, 10);
  const x = scale([xTicks.first, 1], [PLOT.left, PLOT.right]);
  const y = scale([0, 1], [PLOT.bottom, PLOT.top]);
  const shares = [0, 0.25, 0.5, 0.75, 1].map((at) => ({ at, text: `${Math.round(at * 100)} %` }));
  const theory = Array.from({ length: SEGMENTS + 1 }, (_, index) => {
    const similarity = xTicks.first + ((1 - xTicks.first) * index) / SEGMENTS;
    return `${px(x(similarity))},${px(y(theoryAt(similarity, bands, rows)))}`;
  }).join(" ");
  return html`<figure class="chart">
<figcaption><strong>Pairs found, by similarity</strong><span class="key series-1 line"><i></i>theory, ${bands} bands of ${rows} rows</span>${points.length > 0 && html`<span class="key series-2 points"><i></i>measured, with 95 % interval</span>`}<span class="key reference"><i></i>threshold</span></figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Share of pairs found by similarity, measured and in theory; the figures are in the table below">
${yAxis(shares, y, PLOT, "found")}
${xAxis(labelsOf(xTicks), x, PLOT, "")}
<text class="axis-name" text-anchor="end" x="${PLOT.right}" y="${HEIGHT - 6}">Jaccard similarity</text>
${vertical("reference", x(threshold), PLOT)}<text class="tick" text-anchor="end" x="${px(x(threshold) - 6)}" y="${PLOT.top - 10}">removed above ${decimal(threshold, 2)}</text>
<polyline class="series-1 line" points="${theory}"/>
${pairLabels(points, x)}
<g class="series-2">${points.map((point) => measured(point, x, y))}</g>
</svg>
</figure>`;
}

function measured(point: CurvePoint, x: Scale, y: Scale): Markup {
  const { from, to, pairs, found } = point;
  const middle = x(centerOf(point));
  const interval = wilsonInterval(found, pairs);
  const [low, high] = [px(y(interval.low)), px(y(interval.high))];
  const title = `similarity ${decimal(from, 2)} to ${decimal(to, 2)}: ${count(found)} of ${count(pairs)} pairs found`;
  return html`<g><title>${title}</title><path class="interval" d="M${px(middle)} ${low}V${high}M${px(middle - 4)} ${low}h8M${px(middle - 4)} ${high}h8"/><circle cx="${px(middle)}" cy="${px(y(found / pairs))}" r="4"/></g>\n`;
}

function centerOf({ from, to }: CurvePoint): number {
  return (from + to) / 2;
}

/** As many as fit side by side; the table has all. */
function pairLabels(points: readonly CurvePoint[], x: Scale): Markup | undefined {
  if (points.length === 0) return undefined;
  let free = Number.NEGATIVE_INFINITY;
  const labels = points.flatMap((point) => {
    const at = x(centerOf(point));
    if (at - LABEL_WIDTH / 2 < free) return [];
    free = at + LABEL_WIDTH / 2;
    return [
      html`<text class="tick" text-anchor="middle" x="${px(at)}" y="${PLOT.bottom + 38}">${count(point.pairs)}</text>`,
    ];
  });
  return html`<text class="tick" text-anchor="end" x="${PLOT.left - 8}" y="${PLOT.bottom + 38}">pairs</text>${labels}`;
}
