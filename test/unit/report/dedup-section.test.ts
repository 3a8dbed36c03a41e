// The dedup part of the page: laws of what it says, from made-up statistics.
import { describe, expect, test } from "vitest";
import type { DedupStatistics } from "#src/formats/dedup-statistics.js";
import type { DedupData } from "#src/report/dedup/dedup-data.js";
import { dedupSection } from "#src/report/dedup/section.js";
import { wilsonInterval } from "#src/report/dedup/wilson.js";
import { statistics, withoutAlarm, withoutPairs } from "./statistics.js";

const pairs: DedupData["pairs"] = {
  dir: "runs/x/dedup",
  shingling: { unit: "word", size: 5 },
  removed: {
    total: 3,
    bins: [
      { from: 0.7, to: 1, removed: 1 },
      { from: 1, to: 1, removed: 2 },
    ],
    sample: [],
  },
  sample: [
    {
      id: "removed-1",
      kept: "kept-1",
      jaccard: 4 / 5,
      text: "one two three four five six seven eight",
      keptText: "one two three four five six seven eight nine",
    },
  ],
};

function render(changed: Partial<DedupData> = {}): string {
  const data: DedupData = {
    dir: "runs/x/dedup",
    statistics,
    cost: { seconds: 0.9, ofSeconds: 24.2 },
    pairs,
    ...changed,
  };
  return dedupSection(data).body.text;
}

const renderOf = (changed: DedupStatistics): string => render({ statistics: changed });

/** All counts, with their paths; what names a range or a version is none. */
function countsOf(value: unknown, path = ""): [string, number][] {
  if (typeof value === "number") return Number.isInteger(value) ? [[path, value]] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value)
    .filter(
      ([name]) => !["version", "size", "level", "from", "to", "shingles", "bytes_read", "bytes_kept"].includes(name),
    )
    .flatMap(([name, inner]) => countsOf(inner, `${path}.${name}`));
}

describe("the funnel and the tables", () => {
  test("show every count of the statistics, and the sizes in readable units", () => {
    const page = render();
    expect(page.includes("61.5\u00a0MB") && page.includes("42.7\u00a0MB")).toBe(true);
    const missing = countsOf(statistics).filter(([, value]) => !page.includes(value.toLocaleString("en-US")));
    expect(missing).toEqual([]);
    expect(countsOf(statistics).length).toBeGreaterThan(60);
  });

  test("a count that changes changes the page", () => {
    const changed = { ...statistics, funnel: { ...statistics.funnel, exact_copies: 987_654 } };
    expect(renderOf(changed).includes("987,654")).toBe(true);
    expect(render().includes("987,654")).toBe(false);
  });

  test("bars of what was left out follow one another and end where the kept ones end", () => {
    const bars = [
      ...render().matchAll(/class="bar (loss|kept)" style="(?:margin-inline-start:([\d.]+)%;)?width:([\d.]+)%/g),
    ]
      .slice(0, 5)
      .map(([, kind, from, width]) => ({ kind, from: Number(from ?? 0), width: Number(width) }));
    expect(bars.map(({ kind }) => kind)).toEqual(["loss", "loss", "loss", "loss", "kept"]);
    let end = 100;
    for (const bar of bars.slice(0, 4)) {
      expect(bar.from + bar.width).toBeCloseTo(end, 0);
      end = bar.from;
    }
    expect(bars[4]!.width).toBeCloseTo(end, 0);
  });

  test("state shingling, threshold, policy, engine and bands", () => {
    const page = render();
    for (const part of [
      "Sets of runs of five words.",
      "above 0.7",
      "longest normalised text",
      "engine: native",
      "30 bands of 5 MinHash",
      "99.60\u00a0%",
    ])
      expect(page.includes(part), part).toBe(true);
    const policies: [string, string][] = [
      ["first", "the first in the order of the input"],
      ["source:books,web", "comes first in books, web"],
      ["highest:meta.score", "with the highest meta.score"],
      ["lowest:age", "with the lowest age"],
    ];
    for (const [keep, sentence] of policies)
      expect(renderOf({ ...statistics, keep }).includes(sentence), keep).toBe(true);
    expect(renderOf({ ...statistics, exact: true }).includes("no pair above the threshold can have been missed")).toBe(
      true,
    );
  });

  test("have a caption, a header a column and a header a row", () => {
    const tables = render().match(/<table[\s\S]*?<\/table>/g)!;
    expect(tables.length).toBeGreaterThan(7);
    for (const table of tables) {
      expect(table).toMatch(/<caption>[^<]+<\/caption>/);
      const columns = table.match(/<th scope="col"/g)!.length;
      for (const row of table.match(/<tbody>[\s\S]*<\/tbody>/)![0].match(/<tr[\s\S]*?<\/tr>/g)!) {
        expect(row.match(/<th scope="row"/g)).toHaveLength(1);
        expect(row.match(/<td/g)).toHaveLength(columns - 1);
      }
    }
  });
});

describe("the alarm", () => {
  test("stands when a source lost more than half, names it and whose documents it resembles", () => {
    const page = render();
    expect(page.match(/class="alarm"/g)).toHaveLength(1);
    expect(page).toMatch(
      /mirror<\/bdi> lost 87\u00a0%: 610 of 702 documents, 607 of them because of documents of <bdi class="id">web/,
    );
    expect(page.match(/class="warn">! /g)).toHaveLength(1);
  });

  test("does not stand when it lost exactly half", () => {
    const page = renderOf(withoutAlarm);
    expect(page.includes("alarm")).toBe(false);
    expect(page.includes('class="warn"')).toBe(false);
  });

  test("counts the sources that the statistics do not list", () => {
    const many = { ...statistics, sources: { ...statistics.sources, num_alarms: 41 } };
    expect(renderOf(many).includes("and 40 more")).toBe(true);
    expect(renderOf(many).includes("41 sources lost more than half of their documents")).toBe(true);
  });
});

describe("the matrix of sources", () => {
  test("holds every removal once, in the row of its source and the column of its witness's", () => {
    const table = render().match(/<table class="matrix">[\s\S]*?<\/table>/)![0];
    const names = [...table.match(/<thead>.*<\/thead>/)![0].matchAll(/because of <bdi class="id">([^<]*)/g)].map(
      ([, name]) => name,
    );
    const found = [
      ...table.matchAll(/<tr><th scope="row" class="name"><bdi class="id">([^<]*)<\/bdi><\/th>(.*?)<\/tr>/g),
    ].flatMap(([, removed, cells]) =>
      [...cells!.matchAll(/>([\d,]+)<\/td>/g)].map(([, documents], column) => ({
        removed,
        witness: names[column],
        documents: Number(documents!.replaceAll(",", "")),
      })),
    );
    const order = (a: { removed: string | undefined; witness: string | undefined }, b: typeof a): number =>
      `${a.removed} ${a.witness}` < `${b.removed} ${b.witness}` ? -1 : 1;
    expect(found.filter(({ documents }) => documents > 0).sort(order)).toEqual(
      [...statistics.sources.witnesses].sort(order),
    );
  });

  test("puts what does not fit together, and loses nothing", () => {
    const witnesses = Array.from({ length: 300 }, (_, i) => ({
      removed: `s${i}`,
      witness: `s${(i * 7) % 300}`,
      documents: i + 1,
    }));
    const page = renderOf({ ...statistics, sources: { ...statistics.sources, sources: 300, witnesses } });
    const table = page.match(/<table class="matrix">[\s\S]*?<\/table>/)![0];
    const sum = [...table.matchAll(/<td[^>]*>([\d,]+)<\/td>/g)].reduce(
      (total, [, text]) => total + Number(text!.replaceAll(",", "")),
      0,
    );
    expect(sum).toBe((300 * 301) / 2);
    expect(table.match(/<tr/g)!.length).toBeLessThan(16);
  });
});

describe("the S-curve", () => {
  const svg = (page: string): string => page.match(/<svg viewBox="0 0 900 380"[\s\S]*?<\/svg>/)![0];
  /** From pixels back to shares and similarities, by the axes that are drawn. */
  function scales(drawing: string) {
    const grid = [...drawing.matchAll(/class="grid"[^>]*y1="([\d.]+)"/g)].map(([, y]) => Number(y));
    const [zero, one] = [grid[0]!, grid.at(-1)!];
    const marks = [...drawing.matchAll(/text-anchor="middle" x="([\d.]+)" y="[\d.]+">(0\.\d|1\.0)</g)].map(
      ([, x, text]) => [Number(x), Number(text)] as const,
    );
    const [first, last] = [marks[0]!, marks.at(-1)!];
    return {
      share: (y: number): number => (zero - y) / (zero - one),
      similarity: (x: number): number => first[1] + ((x - first[0]) * (last[1] - first[1])) / (last[0] - first[0]),
    };
  }

  test("has a point for every class with pairs, at its share, inside its interval", () => {
    const drawing = svg(render());
    const { share, similarity } = scales(drawing);
    const points = [
      ...drawing.matchAll(/<path class="interval" d="M[\d.]+ ([\d.]+)V([\d.]+).*?<circle cx="([\d.]+)" cy="([\d.]+)"/g),
    ];
    const classes = statistics.curve.filter((one) => one.pairs > 0);
    expect(points).toHaveLength(classes.length);
    for (const [index, { from, to, pairs: number, found }] of classes.entries()) {
      const [low, high, x, y] = points[index]!.slice(1).map(Number) as [number, number, number, number];
      expect(similarity(x)).toBeCloseTo((from + to) / 2, 2);
      expect(share(y)).toBeCloseTo(found / number, 2);
      expect(share(low)).toBeCloseTo(wilsonInterval(found, number).low, 2);
      expect(share(high)).toBeCloseTo(wilsonInterval(found, number).high, 2);
      expect(drawing.includes(`>${number.toLocaleString("en-US")}</text>`)).toBe(true);
    }
  });

  test("is drawn along 1 - (1 - s^rows)^bands, and the threshold stands where it is", () => {
    for (const { bands, rows, threshold } of [statistics, { bands: 43, rows: 6, threshold: 0.85 }]) {
      const drawing = svg(renderOf({ ...statistics, bands, rows, threshold }));
      const { share, similarity } = scales(drawing);
      const line = drawing.match(/<polyline class="series-1 line" points="([^"]*)"/)![1]!.split(" ");
      expect(line.length).toBeGreaterThan(100);
      for (const point of line) {
        const [x, y] = point.split(",").map(Number) as [number, number];
        expect(share(y)).toBeCloseTo(1 - (1 - similarity(x) ** rows) ** bands, 2);
      }
      expect(similarity(Number(drawing.match(/class="reference" x1="([\d.]+)"/)![1]))).toBeCloseTo(threshold, 2);
    }
  });

  test("stands beside the interval of the whole, or beside the sentence that there was no pair", () => {
    expect(render()).toMatch(/Recall 99\.63\u00a0%, 95\u00a0% interval 99\.11\u00a0% to 99\.87\u00a0%\./);
    expect(render().includes("no pair")).toBe(false);
    const none = renderOf(withoutPairs);
    expect(none.includes("Recall was not measured: the sample holds no pair above the threshold.")).toBe(true);
    expect(none).not.toMatch(/NaN|Infinity|undefined|measured, with/);
    expect(none.includes("<svg")).toBe(true);
  });

  test("is not drawn of a run that searched without bands", () => {
    const exact = renderOf({ ...statistics, exact: true });
    expect(exact.includes("All pairs were joined exactly")).toBe(true);
    expect(exact.includes("Share of pairs found by similarity")).toBe(false);
    expect(render().includes("Share of pairs found by similarity")).toBe(true);
  });

  test("says what the measurement cost", () => {
    expect(render().includes("0.90\u00a0s, 3.7\u00a0% of the 24.2\u00a0s")).toBe(true);
    expect(render({ cost: undefined }).includes("The measurement took")).toBe(false);
  });
});

describe("the pairs", () => {
  test("are shown with the shared spans marked, the exact counts and a command", () => {
    const page = render();
    expect(page.includes("4 of 5 shingles in both")).toBe(true);
    expect(page.includes("<mark>one two three four five six seven eight</mark>")).toBe(true);
    expect(page.includes('<span class="own">nine</span>')).toBe(true);
    expect(page.includes("npx millrace explain removed-1")).toBe(true);
  });

  test("whose recorded similarity their texts do not have are denounced", () => {
    const wrong = { ...pairs, sample: [{ ...pairs.sample[0]!, jaccard: 0.81 }] };
    expect(render({ pairs: wrong }).includes("does not hold for these texts")).toBe(true);
    expect(render().includes("does not hold")).toBe(false);
  });

  test("are all that is told of a folder without statistics", () => {
    const page = render({ statistics: undefined });
    expect(page.includes("holds no statistics")).toBe(true);
    expect(page.includes("removed-1")).toBe(true);
  });
});

describe("Wilson's interval", () => {
  test("has its published values, holds the share and stays in [0, 1]", () => {
    expect(wilsonInterval(0, 10).high).toBeCloseTo(0.27753, 4);
    expect(wilsonInterval(5, 10).low).toBeCloseTo(0.23659, 4);
    expect(wilsonInterval(5, 10).high).toBeCloseTo(0.76341, 4);
    for (const trials of [1, 2, 7, 1000]) {
      for (let found = 0; found <= trials; found += 1) {
        const { low, high } = wilsonInterval(found, trials);
        expect(low >= 0 && low <= found / trials && high >= found / trials && high <= 1).toBe(true);
      }
    }
  });
});
