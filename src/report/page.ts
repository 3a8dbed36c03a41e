// The report as one HTML page: pure, from what run-data.ts has read. A part of the run that is not there is left out.
import type { MetricsLine } from "../formats/metrics.js";
import { bytes, count, decimal, duration, percent } from "./figures.js";
import { html, Markup, type Piece } from "./html.js";
import { type LineChart, lineChart, type Point } from "./line-chart.js";
import { pairsSection } from "./pairs-section.js";
import type { RunData } from "./run-data.js";
import { STYLE } from "./style.js";

export function renderPage(run: RunData): string {
  const sections = [
    header(run),
    funnelSection(run),
    trainingSection(run),
    sampleSection(run),
    pairsSection(run.removed),
    timeSection(run),
    planSection(run),
  ];
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${run.name} - Millrace</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
${sections}
</main>
</body>
</html>
`;
  return page.text;
}

function header({ name, summary, stages, evaluation }: RunData): Markup {
  const seconds = stages.reduce((sum, { file }) => sum + file.seconds, 0);
  const heldOut = evaluation?.heldout_loss ?? summary?.heldout_loss;
  const entropy = evaluation?.unigram_entropy ?? summary?.unigram_entropy;
  const figures: [string | undefined, string][] = [
    [summary?.documents_read === undefined ? undefined : count(summary.documents_read), "documents read"],
    [summary?.documents_kept === undefined ? undefined : count(summary.documents_kept), "documents kept"],
    [summary?.tokens === undefined ? undefined : count(summary.tokens), "tokens"],
    [typeof heldOut === "number" ? decimal(heldOut, 3) : undefined, "held-out loss, nats a token"],
    [typeof evaluation?.perplexity === "number" ? decimal(evaluation.perplexity, 1) : undefined, "held-out perplexity"],
    [typeof entropy === "number" ? decimal(entropy, 3) : undefined, "unigram entropy, nats a token"],
    [duration(seconds), "working time"],
  ];
  const shown = figures.filter((figure): figure is [string, string] => figure[0] !== undefined);
  return html`<h1>${name}</h1>
<p class="soft lead">${verdict(heldOut, entropy) ?? "What went in, what was left out and why, and what came of it."}</p>
<div class="figures">${shown.map(([value, label]) => html`<div class="figure"><b>${value}</b><span>${label}</span></div>`)}</div>`;
}

/** What the two figures say together, in words. */
function verdict(heldOut: number | null | undefined, entropy: number | null | undefined): string | undefined {
  if (typeof heldOut !== "number" || typeof entropy !== "number") return undefined;
  const gain = entropy - heldOut;
  if (gain <= 0)
    return `The model predicts held-out text no better than token frequencies alone (${decimal(-gain, 2)} nats a token worse).`;
  return `The model predicts held-out text ${decimal(gain, 2)} nats a token better than token frequencies alone.`;
}

function funnelSection({ summary }: RunData): Markup | undefined {
  if (summary?.documents_read === undefined) return undefined;
  const read = summary.documents_read;
  const reasons = Object.entries(summary.rejected ?? {}).sort((a, b) => b[1] - a[1]);
  const row = (
    name: string,
    value: number,
    kind: string,
    indent = false,
  ) => html`<tr${new Markup(indent ? ' class="indent"' : "")}>
<td class="name">${name}</td><td class="number">${count(value)}</td><td class="share">${percent(value, read)}</td>
<td><div class="bar ${kind}" style="width:${read === 0 ? 0 : Math.round((1000 * value) / read) / 10}%"></div></td></tr>`;
  return html`<h2>Documents</h2>
<table>
${row("read", read, "")}
${row("rejected", summary.documents_rejected ?? 0, "loss")}
${reasons.map(([reason, value]) => row(reason, value, "loss", true))}
${row("removed as near-duplicates", summary.documents_removed ?? 0, "loss")}
${row("kept", summary.documents_kept ?? 0, "")}
</table>
<p class="soft small">${summary.bytes_read === undefined ? undefined : `${bytes(summary.bytes_read)} of input. `}${summary.tokens === undefined ? undefined : `The kept documents are ${count(summary.tokens)} tokens.`}</p>`;
}

function trainingSection({ metrics, evaluation, summary }: RunData): Markup | undefined {
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
  return html`<h2>Training</h2>
<p>${count(metrics.length)} steps over ${count(tokens)} tokens at ${count(tokens / stepSeconds)} tokens/s.
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

function sampleSection({ evaluation }: RunData): Markup | undefined {
  if (evaluation === undefined) return undefined;
  const { prompt, text, tokens, ended } = evaluation.sample;
  const how = prompt === "" ? "from the beginning of a document" : "from the prompt in grey";
  return html`<h2>Sample</h2>
<p class="soft small">${count(tokens)} tokens written by the model of step ${count(evaluation.step)}, ${how}${ended ? "; it ended the text itself" : ""}.</p>
<div class="sample"><span class="prompt">${prompt}</span>${text}</div>`;
}

function timeSection({ stages }: RunData): Markup {
  const total = stages.reduce((sum, { file }) => sum + file.seconds, 0);
  const longest = Math.max(...stages.map(({ file }) => file.seconds), 0);
  const rows = stages.map(
    ({
      key,
      file,
    }) => html`<tr><td class="name">${key}</td><td class="number">${duration(file.seconds)}</td><td class="share">${percent(file.seconds, total)}</td>
<td><div class="bar" style="width:${longest === 0 ? 0 : Math.round((1000 * file.seconds) / longest) / 10}%"></div></td></tr>`,
  );
  return html`<h2>Time</h2>
<table>${rows}</table>`;
}

function planSection({ plan, stages }: RunData): Markup {
  const counts: Piece = stages.map(
    ({ key, file }) =>
      html`<h3>${key}</h3><table>${Object.entries(file.counts).map(([name, value]) => html`<tr><td class="name">${name}</td><td>${Number.isInteger(value) ? count(value) : decimal(value, 4)}</td></tr>`)}</table>`,
  );
  return html`<h2>Details</h2>
<details><summary>Counts of every stage</summary>${counts}</details>
${plan === undefined ? undefined : html`<details><summary>The resolved plan, a recipe that runs again</summary><pre>${plan}</pre></details>`}`;
}
