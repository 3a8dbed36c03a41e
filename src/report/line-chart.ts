// A line chart as inline SVG: axes with round ticks, series, single points, and a reference line. No script: a title
// element on every marker tells its figures. Colours are classes, so that the page's style decides them.
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
const MARGIN = { top: 12, right: 16, bottom: 40, left: 58 };
/** More points than there are columns of pixels cannot be seen: runs are drawn by their first, least, greatest and last. */
const MAX_COLUMNS = 800;

export function lineChart(chart: LineChart): Markup | undefined {
  const all = chart.series.flatMap(({ points }) => points);
  if (all.length === 0) return undefined;
  const height = chart.height ?? 300;
  const ys = [...extent(all.map(({ y }) => y)), ...(chart.reference === undefined ? [] : [chart.reference.y])];
  const [firstX, lastX] = extent(all.map(({ x }) => x));
  const xTicks = ticks(firstX, lastX, 8);
  const yTicks = ticks(chart.fromZero === true ? 0 : Math.min(...ys), Math.max(...ys), 6);
  const right = Math.max(lastX, xTicks.first + xTicks.step);
  const x = scale([xTicks.first, right], [MARGIN.left, WIDTH - MARGIN.right]);
  const y = scale([yTicks.first, yTicks.last], [height - MARGIN.bottom, MARGIN.top]);
  return html`<figure class="chart">
<figcaption><strong>${chart.title}</strong>${legend(chart)}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${chart.title}">
${yAxis(yTicks, y)}
${xAxis({ ...xTicks, values: xTicks.values.filter((value) => value <= right) }, x, y(yTicks.first))}
<text class="axis-name" text-anchor="end" x="${WIDTH - MARGIN.right}" y="${height - 6}">${chart.xName}</text>
<text class="axis-name" text-anchor="middle" transform="translate(14 ${px((MARGIN.top + y(yTicks.first)) / 2)}) rotate(-90)">${chart.yName}</text>
${chart.reference !== undefined && referenceLine(chart.reference, y)}
${chart.series.map((series) => drawSeries(series, x, y, chart))}
</svg>
</figure>`;
}

function yAxis({ values, step }: Ticks, y: Scale): Markup[] {
  return values.map((value) => {
    const at = y(value);
    return html`${horizontal("grid", at)}<text class="tick" text-anchor="end" x="${MARGIN.left - 8}" y="${px(at + 4)}">${tickLabel(value, step)}</text>\n`;
  });
}

function xAxis({ values, step }: Ticks, x: Scale, bottom: number): Markup {
  const marks = values.map((value) => {
    const at = px(x(value));
    return html`<line class="axis" x1="${at}" x2="${at}" y1="${px(bottom)}" y2="${px(bottom + 5)}"/><text class="tick" text-anchor="middle" x="${at}" y="${px(bottom + 18)}">${tickLabel(value, step)}</text>\n`;
  });
  return html`${horizontal("axis", bottom)}\n${marks}`;
}

function referenceLine({ name, y: value }: { readonly name: string; readonly y: number }, y: Scale): Markup {
  return html`<g><title>${name}: ${decimal(value, 3)}</title>${horizontal("reference", y(value))}</g>`;
}

function horizontal(className: string, at: number): Markup {
  return html`<line class="${className}" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${px(at)}" y2="${px(at)}"/>`;
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

type Scale = (value: number) => number;

function drawSeries(series: Series, x: Scale, y: Scale, chart: LineChart): Markup {
  const points = thin(series.points);
  const path = points.map((point) => `${px(x(point.x))},${px(y(point.y))}`).join(" ");
  const line = html`<polyline class="${series.className} ${series.kind}" points="${path}"/>`;
  const marked = series.kind === "points" ? series.points : markersOf(points);
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

/** A loop, because the arguments of Math.min end up on the stack. */
function extent(values: readonly number[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

export interface Ticks {
  readonly first: number;
  readonly last: number;
  readonly step: number;
  readonly values: readonly number[];
}

/** Round values, 1, 2 or 5 times a power of ten apart, that enclose [low, high]. */
export function ticks(low: number, high: number, atMost: number): Ticks {
  const span = high > low ? high - low : Math.max(Math.abs(high), 1);
  const power = 10 ** Math.floor(Math.log10(span / atMost));
  const step =
    [1, 2, 5, 10]
      .map((factor) => factor * power)
      .find((size) => Math.ceil(high / size) - Math.floor(low / size) <= atMost) ?? 20 * power;
  const begin = Math.floor(low / step + 1e-9);
  const end = Math.max(begin + 1, Math.ceil(high / step - 1e-9));
  const values = Array.from({ length: end - begin + 1 }, (_, index) =>
    Number(((begin + index) * step).toPrecision(12)),
  );
  return { first: values[0]!, last: values.at(-1)!, step, values };
}

function scale([from, to]: readonly [number, number], [start, end]: readonly [number, number]): Scale {
  return (value) => start + ((value - from) / (to - from)) * (end - start);
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}
