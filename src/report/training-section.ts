// How the training went: loss, learning rate and throughput, and a text that the model wrote.
import type { MetricsLine } from "../formats/metrics.js";
import { count, percent } from "./figures.js";
import { html } from "./html.js";
import { type LineChart, lineChart, type Point } from "./line-chart.js";
import type { RunData } from "./run-data.js";
import type { Section } from "./section.js";

export function trainingSection({ metrics, evaluation, summary }: RunData): Section | undefined {
  const first = metrics[0];
  const last = metrics.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const losses = pointsOf(metrics, ({ loss }) => loss);
  const heldOut = pointsOf(metrics, ({ heldout_loss }) => heldout_loss);
  const entropy = evaluation?.unigram_entropy ?? summary?.unigram_entropy;
  const lossChart: LineChart = {
    title: "Loss",
    xName: "step",
    yName: "nats a token",
    series: [
      { name: "training, each step", className: "series-1", points: losses, kind: "faint" },
      { name: "training, smoothed", className: "series-1", points: smooth(losses), kind: "line" },
      ...(heldOut.length === 0
        ? []
        : [{ name: "held-out", className: "series-2", points: heldOut, kind: "points" as const }]),
    ],
    reference: typeof entropy === "number" ? { name: "unigram entropy", y: entropy } : undefined,
    height: 340,
  };
  const one = (title: string, points: readonly Point[]): LineChart => ({
    title,
    xName: "step",
    yName: "",
    series: [{ name: title.toLowerCase(), className: "series-3", points, kind: "line" }],
    fromZero: true,
    height: 190,
  });
  const tokens = metrics.reduce((sum, line) => sum + line.tokens, 0);
  const stepSeconds = metrics.reduce((sum, line) => sum + line.step_ms + line.data_wait_ms, 0) / 1000;
  const wait = metrics.reduce((sum, line) => sum + line.data_wait_ms, 0) / 1000;
  const communication = metrics.reduce((sum, line) => sum + line.communication_ms, 0) / 1000;
  const skipped = metrics.filter((line) => line.skipped === true).length;
  const body = html`<p>${count(metrics.length)} steps over ${count(tokens)} tokens at ${count(tokens / stepSeconds)} tokens/s.
Waiting for data took ${percent(wait, stepSeconds)} of the time, communication between ranks ${percent(communication, stepSeconds)}.${skipped === 0 ? undefined : ` ${count(skipped)} steps were skipped for non-finite gradients.`}</p>
${lineChart(lossChart)}
${lineChart(
  one(
    "Learning rate",
    pointsOf(metrics, ({ lr }) => lr),
  ),
)}
${lineChart(
  one(
    "Tokens a second",
    pointsOf(metrics, ({ tokens_per_s }) => tokens_per_s),
  ),
)}`;
  return { id: "training", title: "Training", body };
}

function pointsOf(metrics: readonly MetricsLine[], value: (line: MetricsLine) => number | null | undefined): Point[] {
  return metrics.flatMap((line) => {
    const y = value(line);
    return typeof y === "number" ? [{ x: line.step, y }] : [];
  });
}

/** Exponential mean over about a fiftieth of the run; its beginning is a plain mean, so that step 1 does not weigh for ever. */
function smooth(points: readonly Point[]): Point[] {
  const window = Math.max(1, Math.min(100, points.length / 50));
  let mean = 0;
  return points.map(({ x, y }, index) => {
    mean += (y - mean) / Math.min(index + 1, window);
    return { x, y: mean };
  });
}

export function sampleSection({ evaluation }: RunData): Section | undefined {
  if (evaluation === undefined) return undefined;
  const { prompt, text, tokens, ended } = evaluation.sample;
  const how = prompt === "" ? "from the beginning of a document" : "from the prompt in grey";
  const body = html`<p class="soft small">${count(tokens)} tokens written by the model of step ${count(evaluation.step)}, ${how}${ended ? "; it ended the text itself" : ""}.</p>
<div class="sample text" dir="auto"><span class="prompt">${prompt}</span>${text}</div>`;
  return { id: "sample", title: "Sample", body };
}
