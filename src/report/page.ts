// The report as one HTML page: pure, from what run-data.ts has read. A part of the run that is not there is left out.

import type { DedupInterval } from "../formats/dedup-statistics.js";
import { dedupSection } from "./dedup/section.js";
import { bytes, count, decimal, duration, finePercent, percent } from "./figures.js";
import { html, Markup } from "./html.js";
import { rejectedSection } from "./rejected-section.js";
import { rewrittenSection } from "./rewritten-section.js";
import type { RunData } from "./run-data.js";
import type { Section } from "./section.js";
import { STYLE } from "./style.js";
import { bar, type Row, table } from "./table.js";
import { sampleSection, trainingSection } from "./training-section.js";

/** The plan names all inputs, and they may be many: beyond this it is cut. */
const MAX_PLAN_CHARACTERS = 100_000;

/** A folder may hold many files that are told of. */
const MAX_NOTES = 20;

export function renderPage(run: RunData): string {
  const sections = [
    documentsSection(run),
    trainingSection(run),
    sampleSection(run),
    run.dedup === undefined ? undefined : dedupSection(run.dedup),
    rejectedSection(run.rejected),
    rewrittenSection(run.rewritten, run.stages.find(({ key }) => key === "clean")?.dir ?? ""),
    timeSection(run),
    planSection(run),
  ].filter((section) => section !== undefined);
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
${header(run)}
${contents(sections)}
${sections.map(({ id, title, body }) => html`<h2 id="${id}">${title}</h2>\n${body}\n`)}
</main>
</body>
</html>
`;
  return page.text;
}

function contents(sections: readonly Section[]): Markup {
  return html`<nav aria-label="Sections">${sections.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</nav>`;
}

function header(run: RunData): Markup {
  const { name, summary, stages, evaluation, dedup } = run;
  const seconds = stages.reduce((sum, { file }) => sum + file.seconds, 0);
  const heldOut = evaluation?.heldout_loss ?? summary?.heldout_loss;
  const entropy = evaluation?.unigram_entropy ?? summary?.unigram_entropy;
  const funnel = dedup?.statistics?.funnel;
  const counted = (value: number | undefined): string | undefined => (value === undefined ? undefined : count(value));
  const measured = (value: number | null | undefined, digits: number): string | undefined =>
    typeof value === "number" ? decimal(value, digits) : undefined;
  const figures: [string | undefined, string][] = [
    [counted(summary?.documents_read ?? funnel?.records_read), "documents read"],
    [counted(summary?.documents_kept ?? funnel?.kept), "documents kept"],
    [funnel && percent(funnel.removed, funnel.documents), "removed as near-duplicates or copies"],
    [recallFigure(dedup?.statistics?.recall.recall), "recall of the near-duplicate search"],
    [counted(summary?.tokens), "tokens"],
    [measured(heldOut, 3), "held-out loss, nats a token"],
    [measured(evaluation?.perplexity, 1), "held-out perplexity"],
    [measured(entropy, 3), "unigram entropy, nats a token"],
    [duration(seconds), "working time"],
  ];
  const shown = figures.filter((figure): figure is [string, string] => figure[0] !== undefined);
  const alarms = dedup?.statistics?.sources.num_alarms ?? 0;
  return html`<h1>${name}</h1>
<p class="soft lead">${verdict(heldOut, entropy) ?? "What went in, what was left out and why, and what came of it."}</p>
${alarms > 0 && html`<p class="warn"><strong>Alarm:</strong> ${alarms === 1 ? "a source" : `${count(alarms)} sources`} lost more than half of ${alarms === 1 ? "its" : "their"} documents to deduplication: <a href="#sources">which</a>.</p>`}
<div class="figures">${shown.map(([value, label]) => html`<div class="figure"><b>${value}</b><span>${label}</span></div>`)}</div>`;
}

function recallFigure(recall: DedupInterval | null | undefined): string | undefined {
  return recall ? finePercent(recall.estimate) : undefined;
}

/** What the two figures say together, in words. */
function verdict(heldOut: number | null | undefined, entropy: number | null | undefined): string | undefined {
  if (typeof heldOut !== "number" || typeof entropy !== "number") return undefined;
  const gain = entropy - heldOut;
  if (gain <= 0)
    return `The model predicts held-out text no better than token frequencies alone (${decimal(-gain, 2)} nats a token worse).`;
  return `The model predicts held-out text ${decimal(gain, 2)} nats a token better than token frequencies alone.`;
}

/** The whole path. A run of dedup alone says the same in dedup's own section, with more. */
function documentsSection({ summary, stages }: RunData): Section | undefined {
  if (summary?.documents_read === undefined || stages.every(({ file }) => file.stage === "dedup")) return undefined;
  const read = summary.documents_read;
  const notes = summary.notes ?? [];
  const shown = notes.slice(0, MAX_NOTES);
  const reasons = Object.entries(summary.rejected ?? {}).sort((a, b) => b[1] - a[1]);
  const row = (name: string, value: number, drawn: "" | "loss" | "kept", kind?: "indent"): Row => ({
    cells: [name, count(value), percent(value, read), bar(read === 0 ? 0 : value / read, drawn)],
    kind,
  });
  const body = html`${table(
    "Documents of the whole run",
    [
      { name: "", kind: "name" },
      { name: "documents", kind: "number" },
      { name: "", kind: "share" },
      { name: "", kind: "bar" },
    ],
    [
      row("read", read, ""),
      row("rejected", summary.documents_rejected ?? 0, "loss"),
      ...reasons.map(([reason, value]) => row(reason, value, "loss", "indent")),
      row("removed as near-duplicates", summary.documents_removed ?? 0, "loss"),
      row("kept", summary.documents_kept ?? 0, "kept"),
    ],
  )}
<p class="soft small">${summary.bytes_read === undefined ? undefined : `${bytes(summary.bytes_read)} of input. `}${summary.tokens === undefined ? undefined : `The kept documents are ${count(summary.tokens)} tokens.`}</p>
${shown.length > 0 && html`<p>Of the input the run has told:</p><ul>${shown.map((note) => html`<li>${note}</li>`)}</ul>`}
${notes.length > shown.length && html`<p class="soft small">and ${count(notes.length - shown.length)} more.</p>`}`;
  return { id: "documents", title: "Documents", body };
}

function timeSection({ stages }: RunData): Section {
  const total = stages.reduce((sum, { file }) => sum + file.seconds, 0);
  const longest = Math.max(...stages.map(({ file }) => file.seconds), 0);
  const rows = stages.map(({ key, file }) => ({
    cells: [key, duration(file.seconds), percent(file.seconds, total), bar(longest === 0 ? 0 : file.seconds / longest)],
  }));
  const body = html`${table(
    "Working time of the stages",
    [
      { name: "stage", kind: "name" },
      { name: "time", kind: "number" },
      { name: "share", kind: "share" },
      { name: "", kind: "bar" },
    ],
    rows,
  )}`;
  return { id: "time", title: "Time", body };
}

function planSection({ plan, stages }: RunData): Section {
  const counts = stages.map(
    ({ key, file }) =>
      html`<h3>${key}</h3>${table(
        `Counts of ${key}`,
        [
          { name: "count", kind: "name" },
          { name: "value", kind: "number" },
          { name: "", kind: "bar" },
        ],
        Object.entries(file.counts).map(([name, value]) => ({
          cells: [name, Number.isInteger(value) ? count(value) : decimal(value, 4), undefined],
        })),
      )}`,
  );
  const body = html`<details><summary>Counts of every stage</summary>${counts}</details>
${plan === undefined ? undefined : html`<details><summary>The resolved plan, a recipe that runs again</summary><pre>${cutPlan(plan)}</pre></details>`}`;
  return { id: "details", title: "Details", body };
}

function cutPlan(plan: string): string {
  if (plan.length <= MAX_PLAN_CHARACTERS) return plan;
  return `${plan.slice(0, plan.lastIndexOf("\n", MAX_PLAN_CHARACTERS) + 1)}... the rest is in plan.yaml`;
}
