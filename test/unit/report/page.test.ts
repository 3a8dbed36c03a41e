// The report's page, from made-up runs.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MetricsLine } from "#src/formats/metrics.js";
import { ticks } from "#src/report/axes.js";
import { escapeText, html, Markup } from "#src/report/html.js";
import { lineChart } from "#src/report/line-chart.js";
import { renderPage } from "#src/report/page.js";
import type { RunData } from "#src/report/run-data.js";
import type { StageFile } from "#src/run/stage-file.js";
import { statistics } from "./statistics.js";

const HOSTILE = `<script>alert("1")</script> & '<img src=x onerror=alert(2)>'`;

function stage(key: string, seconds: number, counts: Record<string, number> = {}): RunData["stages"][number] {
  return { key, dir: key, file: { stage: key, seconds, counts, phases: [] } as unknown as StageFile };
}

const metrics: MetricsLine[] = Array.from({ length: 3_000 }, (_, index) => ({
  step: index + 1,
  loss: 10 - index / 1_000,
  grad_norm: 1,
  lr: 1e-3,
  loss_scale: 1,
  tokens: 512,
  tokens_per_s: 1_500,
  step_ms: 340,
  communication_ms: 20,
  data_wait_ms: 1,
  ...(index % 1_000 === 999 ? { heldout_loss: 9.5 - index / 1_000 } : {}),
}));

const run: RunData = {
  name: HOSTILE,
  summary: {
    format: 1,
    millrace: "0.1.0",
    recipe: HOSTILE,
    documents_read: 2_345,
    documents_kept: 2_001,
    documents_rejected: 164,
    documents_removed: 180,
    rejected: { "too-short": 160, [HOSTILE]: 4 },
    bytes_read: 15_000_000,
    tokens: 3_500_123,
    seconds: {},
    peak_rss_bytes: 1,
    stages: {},
  },
  plan: `name: ${HOSTILE}\n`,
  stages: [stage("clean", 3), stage("dedup", 12.5, { [HOSTILE]: 1 }), stage("train", 250)],
  metrics,
  evaluation: {
    step: 3_000,
    heldout_loss: 6.412,
    perplexity: 609.1,
    heldout_tokens: 4_096,
    unigram_entropy: 6.923,
    sample: { prompt: HOSTILE, text: `${HOSTILE} and so on`, tokens: 120, ended: false },
  },
  dedup: {
    dir: HOSTILE,
    statistics,
    cost: undefined,
    pairs: {
      dir: "runs/x/dedup",
      shingling: { unit: "word", size: 5 },
      removed: { total: 180, bins: [{ from: 0.7, to: 1, removed: 180 }], sample: [] },
      sample: [
        {
          id: HOSTILE,
          kept: "k",
          jaccard: 0.8125,
          text: `one two three four five ${HOSTILE} nine`,
          keptText: "one two three four five six",
        },
        { id: "gone", kept: "k2", jaccard: 1, text: undefined, keptText: undefined },
      ],
    },
  },
  rejected: [
    {
      stage: "clean",
      reason: "too-short",
      records: 160,
      numFiles: 1,
      files: [{ file: "a.jsonl", records: 160 }],
      examples: [{ file: "a.jsonl", offset: 0, line: 1, reason: "too-short", detail: HOSTILE }],
    },
  ],
  rewritten: [
    { rule: "storyNewlines", documents: 777, examples: [{ file: HOSTILE, offset: 12, id: HOSTILE, rules: ["x"] }] },
  ],
};

describe("the report", () => {
  test("contains the figures of the run", () => {
    const page = renderPage(run);
    for (const figure of [
      "2,345",
      "2,001",
      "164",
      "180",
      "too-short",
      "3,500,123",
      "6.412",
      "609.1",
      "6.923",
      "0.8125",
      "storyNewlines",
      "777",
      "4\u00a0min\u00a010\u00a0s",
    ]) {
      expect(page.includes(figure), figure).toBe(true);
    }
    expect(page.includes("0.51 nats a token better than token frequencies alone")).toBe(true);
    expect(page.includes("<mark>one two three four five</mark>")).toBe(true);
    expect(page.match(/<svg /g)).toHaveLength(5);
  });

  test("says of every reason and every rewriting rule what it means", () => {
    const docs = new URL("../../../docs/formats/", import.meta.url);
    const named = (page: string, pattern: RegExp): string[] =>
      [...readFileSync(new URL(page, docs), "utf8").matchAll(pattern)].map(([, name]) => name!);
    const reasons = named("rejected.md", /^\| `([a-z0-9-]+)` \|/gm).filter((name) => name.includes("-"));
    expect(reasons.length).toBeGreaterThan(15);
    const rules = ["unicodeRepair", "storyNewlines", "c4Lines"];
    const page = renderPage({
      ...run,
      rejected: [...reasons, "repetitive"].map((reason) => ({ ...run.rejected[0]!, reason, examples: [] })),
      rewritten: rules.map((rule) => ({ rule, documents: 1, examples: [] })),
    });
    const row =
      /<th scope="row" class="name"><b>([^<]+)<\/b><\/th>(?:<td class="(?:name|number)">[^<]*<\/td>)*<td class="wide">([^<]*)/g;
    const cells = [...page.matchAll(row)];
    const meanings = new Map(cells.map(([, name, meaning]) => [name, meaning]));
    for (const name of [...reasons, "repetitive", ...rules]) expect(meanings.get(name), name).toMatch(/\w/);
  });

  test("gives a command that shows a rejected record, where a shell can show it", () => {
    const commands = (file: string): string[] => {
      const examples = [{ file, offset: 41, line: 7, reason: "too-short" }];
      const page = renderPage({ ...run, rejected: [{ ...run.rejected[0]!, examples }] });
      const shown = page
        .slice(page.indexOf('id="rejected"'))
        .matchAll(/<code class="command">([^<]*tail[^<]*)<\/code>/g);
      return [...shown].map(([, command]) => command!);
    };
    expect(commands("a.jsonl")).toEqual(["tail -c +42 a.jsonl | head -n 1"]);
    expect(commands("a.jsonl.gz")).toEqual(["gzip -dc a.jsonl.gz | tail -c +42 | head -n 1"]);
    expect(commands("a b.jsonl.zst")).toEqual(["zstd -dc &#39;a b.jsonl.zst&#39; | tail -c +42 | head -n 1"]);
    expect(commands("A.JSONL.GZ")).toEqual(["gzip -dc A.JSONL.GZ | tail -c +42 | head -n 1"]);
    expect(commands("a.Txt.Zst")).toEqual(["zstd -dc a.Txt.Zst | tail -c +42 | head -n 1"]);
    for (const file of ["a.parquet", "a.arrow", "s3://bucket/a.jsonl"]) expect(commands(file), file).toEqual([]);
  });

  test("escapes whatever comes from data", () => {
    const page = renderPage(run);
    expect(page.includes("<script")).toBe(false);
    expect(page.includes("<img")).toBe(false);
    expect(page.match(/&lt;script&gt;/g)!.length).toBeGreaterThanOrEqual(8);
  });

  test("needs nothing but itself, and stays small", () => {
    const page = renderPage(run);
    expect(/<[^>]*\b(?:src=|href="(?!#))|url\(|@import|https?:/.test(page)).toBe(false);
    expect(page.length).toBeLessThan(5e6);
  });

  test("says what it can of a run without training, and of one without a summary", () => {
    const dedupOnly = renderPage({
      ...run,
      summary: undefined,
      metrics: [],
      evaluation: undefined,
      plan: undefined,
      stages: [stage("dedup", 2)],
    });
    expect(dedupOnly.includes(">Deduplication</h2>")).toBe(true);
    expect(dedupOnly.includes(">Training</h2>")).toBe(false);
    expect(dedupOnly.includes("undefined")).toBe(false);
    expect(renderPage({ ...run, dedup: undefined }).includes("Deduplication")).toBe(false);
  });

  test("links to every section it has, and to none that it has not", () => {
    for (const shown of [run, { ...run, metrics: [], rejected: [], rewritten: [], evaluation: undefined }]) {
      const page = renderPage(shown);
      const links = [...page.matchAll(/<a href="#([^"]*)">/g)].map(([, id]) => id!);
      expect(links.length).toBeGreaterThan(3);
      for (const id of links) expect(page.match(new RegExp(`<h[23] id="${id}">`, "g")), id).toHaveLength(1);
      const headings = [...page.matchAll(/<h2 id="([^"]*)">/g)].map(([, id]) => id!);
      expect(headings.filter((id) => !links.includes(id))).toEqual([]);
    }
  });

  test("admits it when the model is no better than token frequencies", () => {
    const page = renderPage({ ...run, evaluation: { ...run.evaluation!, heldout_loss: 7 } });
    expect(page.includes("no better than token frequencies alone")).toBe(true);
  });
});

describe("templates", () => {
  test("leave no character of a text that could begin markup", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(html`${text}`.text).not.toMatch(/[<>"']|&(?!amp;|lt;|gt;|quot;|#39;)/);
      }),
    );
  });

  test("keep markup as it is and leave out what is not there", () => {
    expect(html`<b>${[new Markup("<i>x</i>"), " & ", undefined, false, 3]}</b>`.text).toBe("<b><i>x</i> &amp; 3</b>");
    expect(escapeText("a\u0000b")).toBe("a\ufffdb");
  });
});

describe("charts", () => {
  test("have round ticks that enclose the data", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.double({ min: 1, max: 1e6, noNaN: true }),
        (low, span) => {
          const { first, last, step, values } = ticks(low, low + span, 6);
          expect(first).toBeLessThanOrEqual(low + step * 1e-6);
          expect(last).toBeGreaterThanOrEqual(low + span - step * 1e-6);
          expect(values.length).toBeGreaterThanOrEqual(2);
          expect(values.length).toBeLessThanOrEqual(8);
        },
      ),
    );
    expect(ticks(5, 11, 6).values).toEqual([5, 6, 7, 8, 9, 10, 11]);
    expect(ticks(3, 3, 6).values.length).toBeGreaterThanOrEqual(2);
  });

  test("draw long runs with few points and keep their extremes", () => {
    const points = Array.from({ length: 500_000 }, (_, x) => ({ x, y: x === 123_456 ? 99 : 1 }));
    const text = lineChart({
      title: "t",
      xName: "x",
      yName: "y",
      series: [{ name: "s", className: "series-1", kind: "faint", points }],
    })!.text;
    expect(text.length).toBeLessThan(100_000);
    // The peak is drawn: some point stands at the top of the plot.
    const heights = text
      .match(/points="([^"]*)"/)![1]!
      .split(" ")
      .map((pair) => Number(pair.split(",")[1]));
    expect(Math.min(...heights)).toBeLessThan(40);
  });

  test("draw a flat line, a single point, and nothing for no points", () => {
    const chart = (points: { x: number; y: number }[]) =>
      lineChart({
        title: "t",
        xName: "x",
        yName: "y",
        series: [{ name: "s", className: "series-1", kind: "line", points }],
      });
    expect(chart([])).toBeUndefined();
    for (const points of [
      [{ x: 1, y: 0 }],
      [
        { x: 1, y: 2 },
        { x: 2, y: 2 },
      ],
    ])
      expect(chart(points)!.text).not.toMatch(/NaN|Infinity/);
  });
});
