// Recall as the run measured it: the share of similar pairs that the candidate search finds, by a sample joined exactly with
// the corpus; beside it theory, and what the measurement cost.
import type { DedupInterval, DedupStatistics } from "../../formats/dedup-statistics.js";
import { count, decimal, duration, finePercent, percent } from "../figures.js";
import { html, type Markup } from "../html.js";
import { type Row, table } from "../table.js";
import { sCurveChart } from "./s-curve-chart.js";
import { wilsonInterval } from "./wilson.js";

/** Seconds of the phases that only measure, and of the whole stage. */
export interface MeasurementCost {
  readonly seconds: number;
  readonly ofSeconds: number;
}

export function recallSection(statistics: DedupStatistics, cost: MeasurementCost | undefined): Markup {
  const { recall, curve } = statistics;
  return html`<h3 id="recall">Recall</h3>
<p><b>${headline(statistics)}</b> ${recall.sentence}</p>
${!statistics.exact && sCurveChart(statistics)}
${curve.length > 0 && html`<details><summary>The figures of the curve</summary>${curveTable(curve)}</details>`}
<details><summary>How it was measured</summary>${measurementTable(statistics)}</details>
${cost !== undefined && html`<p class="soft small">The measurement took ${duration(cost.seconds)}, ${percent(cost.seconds, cost.ofSeconds)} of the ${duration(cost.ofSeconds)} of dedup.</p>`}`;
}

function headline({ exact, recall, theory_at_threshold }: DedupStatistics): string {
  if (exact) return "All pairs were joined exactly: none above the threshold can have been missed.";
  if (recall.recall === null) {
    return `Recall was not measured: the sample holds no pair above the threshold. In theory it is ${finePercent(theory_at_threshold)} at the threshold and more above.`;
  }
  return `Recall ${intervalText(recall.recall)}.`;
}

function intervalText({ estimate, low, high }: DedupInterval): string {
  return `${finePercent(estimate)}, 95\u00a0% interval ${finePercent(low)} to ${finePercent(high)}`;
}

function curveTable(curve: DedupStatistics["curve"]): Markup {
  const rows = curve.map(({ from, to, pairs, found, theory }): Row => {
    const { low, high } = wilsonInterval(found, pairs);
    const measured = pairs === 0 ? ["", ""] : [decimal(found / pairs, 4), `${decimal(low, 4)} to ${decimal(high, 4)}`];
    return {
      cells: [
        `${decimal(from, 2)} to ${decimal(to, 2)}`,
        count(pairs),
        count(found),
        ...measured,
        pairs === 0 ? "" : decimal(theory, 4),
      ],
    };
  });
  return html`${table(
    "Pairs found by similarity",
    [
      { name: "similarity", kind: "name" },
      { name: "pairs", kind: "number" },
      { name: "found", kind: "number" },
      { name: "measured", kind: "number" },
      { name: "95 % interval", kind: "number" },
      { name: "theory", kind: "number" },
    ],
    rows,
  )}
<p class="soft small">Intervals of the classes are Wilson's, pair by pair. Theory is the mean over the pairs of a class.</p>`;
}

function measurementTable({ recall }: DedupStatistics): Markup {
  const { join } = recall;
  const figures: [string, string][] = [
    ["documents drawn", `${count(recall.sampled)} of ${count(recall.representatives)}`],
    ["share of the corpus they were joined with", finePercent(join.share_of_documents)],
    ["pairs looked at", count(join.candidates)],
    ["pairs compared exactly", `${count(join.compared)} (${finePercent(join.share_of_candidates)})`],
    ["sketches in common asked for", `${join.level} of 16`],
    ["chance to overlook a pair at the threshold", join.missed_at_threshold.toPrecision(2)],
    ["pairs above the threshold", count(recall.pairs)],
    ["of these, sharing a band", count(recall.found)],
    ["of these, with both documents kept", count(recall.both_kept)],
    ...(recall.escaped === null
      ? []
      : [["share with both documents kept", intervalText(recall.escaped)] as [string, string]]),
  ];
  return table(
    "The measurement of recall",
    [
      { name: "what", kind: "wide" },
      { name: "figure", kind: "wide" },
    ],
    figures.map((cells) => ({ cells })),
  );
}
