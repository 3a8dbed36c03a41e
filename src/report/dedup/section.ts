// The dedup part of the page, in the order in which a reader asks: what went, how sure that is, who lost, and examples.
import { html } from "../html.js";
import type { Section } from "../section.js";
import { boilerplateSection } from "./boilerplate-section.js";
import { clustersSection } from "./clusters-section.js";
import type { DedupData } from "./dedup-data.js";
import { funnelSection } from "./funnel-section.js";
import { pairsSection } from "./pairs-section.js";
import { recallSection } from "./recall-section.js";
import { sourcesSection } from "./sources-section.js";

export function dedupSection({ dir, statistics, cost, pairs }: DedupData): Section {
  const body =
    statistics === undefined
      ? html`<p>The folder holds no statistics: an earlier version wrote it. Run dedup again for the funnel, recall, sources and clusters.</p>
${pairsSection(pairs)}`
      : html`${funnelSection(statistics)}
${recallSection(statistics, cost)}
${sourcesSection(statistics.sources)}
${clustersSection(statistics.clusters, dir)}
${pairsSection(pairs)}
${boilerplateSection(statistics.boilerplate)}`;
  return { id: "dedup", title: "Deduplication", body };
}
