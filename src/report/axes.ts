// What the charts share: round ticks, scales from values to pixels, and the lines and labels of two axes as SVG.
import { tickLabel } from "./figures.js";
import { html, type Markup } from "./html.js";

export type Scale = (value: number) => number;

export interface Ticks {
  readonly first: number;
  readonly last: number;
  readonly step: number;
  readonly values: readonly number[];
}

/** The plot inside a drawing, in its pixels; y grows downward. */
export interface Plot {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface AxisLabel {
  readonly at: number;
  readonly text: string;
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

export function labelsOf({ values, step }: Ticks): AxisLabel[] {
  return values.map((at) => ({ at, text: tickLabel(at, step) }));
}

export function scale([from, to]: readonly [number, number], [start, end]: readonly [number, number]): Scale {
  return (value) => start + ((value - from) / (to - from)) * (end - start);
}

/** A loop, because the arguments of Math.min end up on the stack. */
export function extent(values: readonly number[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

export function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

export function horizontal(className: string, at: number, { left, right }: Plot): Markup {
  return html`<line class="${className}" x1="${px(left)}" x2="${px(right)}" y1="${px(at)}" y2="${px(at)}"/>`;
}

export function vertical(className: string, at: number, { top, bottom }: Plot): Markup {
  return html`<line class="${className}" x1="${px(at)}" x2="${px(at)}" y1="${px(top)}" y2="${px(bottom)}"/>`;
}

/** Lines across the plot with their labels at its left. */
export function yAxis(labels: readonly AxisLabel[], y: Scale, plot: Plot, name: string): Markup {
  const lines = labels.map(
    ({ at, text }) =>
      html`${horizontal("grid", y(at), plot)}<text class="tick" text-anchor="end" x="${px(plot.left - 8)}" y="${px(y(at) + 4)}">${text}</text>\n`,
  );
  return html`${lines}<text class="axis-name" text-anchor="middle" transform="translate(14 ${px((plot.top + plot.bottom) / 2)}) rotate(-90)">${name}</text>\n`;
}

/** The bottom line with marks and labels below it. */
export function xAxis(labels: readonly AxisLabel[], x: Scale, plot: Plot, name: string): Markup {
  const marks = labels.map(
    ({ at, text }) =>
      html`<line class="axis" x1="${px(x(at))}" x2="${px(x(at))}" y1="${px(plot.bottom)}" y2="${px(plot.bottom + 5)}"/><text class="tick" text-anchor="middle" x="${px(x(at))}" y="${px(plot.bottom + 18)}">${text}</text>\n`,
  );
  return html`${horizontal("axis", plot.bottom, plot)}
${marks}<text class="axis-name" text-anchor="end" x="${px(plot.right)}" y="${px(plot.bottom + 34)}">${name}</text>\n`;
}
