// The tables of docs/measurements.md from a result of the recall bench, as Markdown. Alone: recall-tables.mjs docs/dedup-recall.json
import { readFileSync } from "node:fs";

const percent = (value, digits = 2) => (100 * value).toFixed(digits);
const count = (value) => value.toLocaleString("en");
const rangeOf = ({ from, below }) =>
  below > 1 ? `${from.toFixed(2)} and above` : `${from.toFixed(2)} to ${below.toFixed(2)}`;

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line), ""].join("\n");
}

function curves({ bins }, { bins: js }) {
  const rows = bins.map((bin, i) => [
    rangeOf(bin),
    count(bin.pairs),
    ...[bin.theory, bin.share].map((share) => percent(share)),
    `${percent(bin.low)} to ${percent(bin.high)}`,
    percent(js[i].share),
  ]);
  return table(["Jaccard", "pairs", "theory", "native", "95 % interval", "js"], rows);
}

function peerCurves(peers) {
  const rows = peers[0].bins.map((bin, i) => [rangeOf(bin), ...peers.map(({ bins }) => percent(bins[i].share, 1))]);
  return table(["Jaccard", ...peers.map(({ name }) => name)], rows);
}

/** The bin just above the threshold, and pairs far above it that share no band. */
function languageRows(languages) {
  const rows = languages.map(({ language, native, js }) => {
    const narrow = native.findIndex(({ from }) => from === 0.7);
    const missed = (bins) => {
      const high = bins.filter(({ from }) => from >= 0.8);
      const sum = (value) => high.reduce((total, bin) => total + value(bin), 0);
      return `${count(sum(({ pairs, found }) => pairs - found))} of ${count(sum(({ pairs }) => pairs))}`;
    };
    const shares = [native[narrow].theory, native[narrow].share, js[narrow].share].map((share) => percent(share));
    return [language, ...shares, missed(native), missed(js)];
  });
  return table(["language", "theory", "native", "js", "native misses", "js misses"], rows);
}

function stageRows([native, js]) {
  const rows = native.zones.map((zone, i) => [
    rangeOf(zone),
    count(zone.pairs),
    count(zone.missed),
    `${percent(zone.found.share, 3)} (${percent(zone.found.low, 3)} to ${percent(zone.found.high, 3)})`,
    count(js.zones[i].missed),
  ]);
  const removals = [native, js].map(
    ({ engine, oraclePairs, missedPairs, removed, unjustified }) =>
      `${engine}: ${count(oraclePairs)} oracle pairs, ${missedPairs} missed; ${count(removed)} removed, ${unjustified} without a kept partner`,
  );
  return `${table(["oracle pairs", "number", "missed, native", "found, 95 % interval", "missed, js"], rows)}\n${removals.join("\n")}`;
}

export function recallTables({ tools, languages, stages }) {
  const [native, js, ...peers] = tools;
  return [curves(native, js), peerCurves(peers), languageRows(languages), stageRows(stages)].join("\n");
}

if (process.argv[1] === import.meta.filename)
  console.log(recallTables(JSON.parse(readFileSync(process.argv[2], "utf8"))));
