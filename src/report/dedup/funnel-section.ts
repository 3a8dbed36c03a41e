// What became of the records, step by step: each bar begins where the one before left off. Above it what was compared, as
// sentences, for whoever must say what "duplicate" meant here.
import type { DedupStatistics } from "../../formats/dedup-statistics.js";
import { bytes, count, finePercent, percent } from "../figures.js";
import { html, type Markup, type Piece } from "../html.js";
import { bar, type Row, table } from "../table.js";

export function funnelSection(statistics: DedupStatistics): Markup {
  return html`${method(statistics)}
${funnelTable(statistics.funnel)}
${pairsSentence(statistics)}`;
}

function method({
  shingling,
  threshold,
  keep,
  engine,
  exact,
  bands,
  rows,
  theory_at_threshold,
}: DedupStatistics): Markup {
  const search = exact
    ? html`Every pair was compared by an exact join, so no pair above the threshold can have been missed.`
    : html`Candidates share one of ${count(bands)} bands of ${count(rows)} MinHash values (engine: ${engine}); in theory that finds ${finePercent(theory_at_threshold)} of the pairs at the threshold, and more of those above it. Each candidate was compared exactly.`;
  return html`<dl>
<dt>Compared</dt><dd>${shingling.sentence}</dd>
<dt>Removed</dt><dd>Documents with an exact Jaccard similarity above ${threshold} with a document that is kept.</dd>
<dt>Kept</dt><dd>${keepSentence(keep)}</dd>
<dt>Found</dt><dd>${search}</dd>
</dl>`;
}

function keepSentence(keep: string): Piece {
  const [policy, ...rest] = keep.split(":");
  const what = rest.join(":");
  if (policy === "longest") return "Of documents alike, the one with the longest normalised text.";
  if (policy === "first") return "Of documents alike, the first in the order of the input.";
  if (policy === "source")
    return `Of documents alike, the one whose source comes first in ${what.split(",").join(", ")}; then the longest.`;
  if (policy === "highest" || policy === "lowest") return `Of documents alike, the one with the ${policy} ${what}.`;
  return `Of documents alike, by the policy ${keep}.`;
}

function funnelTable(funnel: DedupStatistics["funnel"]): Markup {
  const read = funnel.records_read;
  const share = (records: number): number => (read === 0 ? 0 : records / read);
  const step = (name: string, records: number, drawn: Markup, size?: number, kind?: "indent"): Row => ({
    cells: [name, count(records), percent(records, read), size === undefined ? "" : bytes(size), drawn],
    kind,
  });
  let left = read;
  const loss = (name: string, records: number, kind?: "indent"): Row => {
    left -= records;
    return step(name, records, bar(share(records), "loss", share(left)), undefined, kind);
  };
  const reasons = Object.entries(funnel.rejected).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return table(
    "Records read, rejected, removed and kept",
    [
      { name: "", kind: "name" },
      { name: "documents", kind: "number" },
      { name: "share", kind: "share" },
      { name: "size", kind: "number" },
      { name: "", kind: "bar" },
    ],
    [
      step("read", read, bar(1), funnel.bytes_read),
      ...reasons.map(([reason, records]) => loss(`rejected: ${reason}`, records)),
      loss("exact copies", funnel.exact_copies),
      loss("near-duplicates", funnel.near_duplicates),
      step("kept", funnel.kept, bar(share(funnel.kept), "kept"), funnel.bytes_kept),
    ],
  );
}

function pairsSentence({ funnel }: DedupStatistics): Markup {
  return html`<p class="soft small">${count(funnel.removed)} of ${count(funnel.documents)} documents were removed. Exact copies have the same normalised text as a document that stayed in the comparison; with it they stay out of the search. The rest made ${count(funnel.candidate_pairs)} candidate pairs; ${count(funnel.verified_pairs)} were compared shingle by shingle, ${count(funnel.pairs_above)} are above the threshold.</p>`;
}
