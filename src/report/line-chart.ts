// A line chart as inline SVG: axes with round ticks, series, single points, and a reference line. No script: a title
// element on every marker tells its figures. Colours are classes, so that the page's style decides them.
import { extent, horizontal, labelsOf, type Plot, px, type Scale, scale, ticks, xAxis, yAxis } from "./axes.js";
import { decimal, tickLabel } from "./figures.js";
import { html, type Markup } from "./html.js";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Series {
  readonly name: string;
  /** A class of the style sheet: "series-1" ... */
  readonly className: string;
  /** By rising x. */
  readonly points: readonly Point[];
  /** "points" are joined by a thin line and marked one by one. */
  readonly kind: "line" | "faint" | "points";
}

export interface LineChart {
  readonly title: string;
  readonly xName: string;
  readonly yName: string;
  readonly series: readonly Series[];
  /** A horizontal line to compare with. */
  readonly reference?: { readonly name: string; readonly y: number } | undefined;
  /** The y axis begins at 0. */
  readonly fromZero?: boolean | undefined;
  readonly height?: number | undefined;
}

const WIDTH = 900;
/** More points than there are columns of pixels cannot be seen: runs are drawn by their first, least, greatest and last. */
const MAX_COLUMNS = 800;

export function lineChart(chart: LineChart): Markup | undefined {
  const all = chart.series.flatMap(({ points }) => points);
  if (all.length === 0) return undefined;
  const height = chart.height ?? 300;
  const plot: Plot = { left: 58, right: WIDTH - 16, top: 12, bottom: height - 40 };
  const ys = [...extent(all.map(({ y }) => y)), ...(chart.reference === undefined ? [] : [chart.reference.y])];
  const [firstX, lastX] = extent(all.map(({ x }) => x));
  const xTicks = ticks(firstX, lastX, 8);
  const yTicks = ticks(chart.fromZero === true ? 0 : Math.min(...ys), Math.max(...ys), 6);
  const right = Math.max(lastX, xTicks.first + xTicks.step);
  const x = scale([xTicks.first, right], [plot.left, plot.right]);
  const y = scale([yTicks.first, yTicks.last], [plot.bottom, plot.top]);
  return html`<figure class="chart">
<figcaption><strong>${chart.title}</strong>${legend(chart)}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${chart.title}">
${yAxis(labelsOf(yTicks), y, plot, chart.yName)}
${xAxis(
  labelsOf(xTicks).filter(({ at }) => at <= right),
  x,
  plot,
  chart.xName,
)}
${chart.reference !== undefined && referenceLine(chart.reference, y, plot)}
${chart.series.map((series) => drawSeries(series, x, y, chart))}
</svg>
</figure>`;
}

function referenceLine(
  { name, y: value }: { readonly name: string; readonly y: number },
  y: Scale,
  plot: Plot,
): Markup {
  return html`<g><title>${name}: ${decimal(value, 3)}</title>${horizontal("reference", y(value), plot)}</g>`;
}

/** One series alone is told by the title. */
function legend(chart: LineChart): Markup[] {
  if (chart.series.length === 1 && chart.reference === undefined) return [];
  const entries = chart.series.map(
    ({ name, className, kind }) => html`<span class="key ${className} ${kind}"><i></i>${name}</span>`,
  );
  const reference = chart.reference;
  return reference === undefined
    ? entries
    : [...entries, html`<span class="key reference"><i></i>${reference.name}</span>`];
}

function drawSeries(series: Series, x: Scale, y: Scale, chart: LineChart): Markup {
  const points = thin(series.points);
  const path = points.map((point) => `${px(x(point.x))},${px(y(point.y))}`).join(" ");
  const line = html`<polyline class="${series.className} ${series.kind}" points="${path}"/>`;
  const marked = series.kind === "points" ? points : markersOf(points);
  const markers = marked.map((point) => {
    const radius = series.kind === "points" ? 3.5 : 6;
    const title = `${chart.xName} ${tickLabel(point.x, 1)}: ${series.name} ${figure(point.y)}`;
    return html`<circle class="${series.kind === "points" ? series.className : "hover"}" cx="${px(x(point.x))}" cy="${px(y(point.y))}" r="${radius}"><title>${title}</title></circle>`;
  });
  return html`${line}${series.kind === "faint" ? undefined : markers}`;
}

/** Invisible spots with tooltips along a line: enough to ask anywhere. */
function markersOf(points: readonly Point[]): Point[] {
  const every = Math.max(1, Math.ceil(points.length / 60));
  return points.filter((_, index) => index % every === 0 || index === points.length - 1);
}

function figure(value: number): string {
  return Math.abs(value) >= 100
    ? decimal(value, 0)
    : Math.abs(value) >= 0.01 || value === 0
      ? decimal(value, 3)
      : value.toExponential(2);
}

function thin(points: readonly Point[]): Point[] {
  if (points.length <= MAX_COLUMNS * 2) return [...points];
  const size = Math.ceil(points.length / MAX_COLUMNS);
  const kept: Point[] = [];
  for (let start = 0; start < points.length; start += size) {
    const run = points.slice(start, start + size);
    const least = run.reduce((a, b) => (b.y < a.y ? b : a));
    const greatest = run.reduce((a, b) => (b.y > a.y ? b : a));
    const chosen = new Set([run[0]!, least, greatest, run.at(-1)!]);
    kept.push(...run.filter((point) => chosen.has(point)));
  }
  return kept;
}
