// What comes from data cannot do harm to the page: no markup, no turned-around names, no endless sizes.
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutAt, excerpt, MAX_CHARACTERS } from "#src/report/dedup/excerpt.js";
import { html } from "#src/report/html.js";
import { nameOf, shellWord } from "#src/report/names.js";
import { renderPage } from "#src/report/page.js";
import type { RunData } from "#src/report/run-data.js";
import { STYLE } from "#src/report/style.js";
import { statistics } from "./statistics.js";

const HOSTILE = `</div></td><script>alert(1)</script>'"><img src=x onerror=alert(2)> \u202ehidden\u0000 \ud800`;

/** Every string replaced, shapes and numbers as they are. */
function withStrings<T>(value: T, text: string): T {
  if (typeof value === "string") return text as T;
  if (Array.isArray(value)) return value.map((one) => withStrings(one, text)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withStrings(inner, text)])) as T;
}

function runWith(text: string, id: string, numSources = 3): RunData {
  const source = { ...statistics.sources.list[2]!, source: id };
  const made = withStrings(statistics, text);
  return {
    name: id,
    summary: undefined,
    plan: text,
    stages: [],
    metrics: [],
    evaluation: undefined,
    dedup: {
      dir: id,
      statistics: {
        ...made,
        shingling: { ...statistics.shingling, sentence: id },
        funnel: { ...made.funnel, rejected: { [id]: 3 } },
        keep: id,
        engine: id,
        recall: { ...made.recall, sentence: id },
        sources: {
          ...made.sources,
          sources: numSources,
          list: Array.from({ length: numSources }, (_, i) => ({ ...source, source: `${i}${id}` })),
          alarms: Array.from({ length: numSources }, (_, i) => ({ source: `${i}${id}`, documents: 3, removed: 2 })),
          num_alarms: numSources,
          witnesses: Array.from({ length: numSources }, (_, i) => ({
            removed: `${i}${id}`,
            witness: `${i}${id}`,
            documents: 2,
          })),
        },
        clusters: { ...made.clusters, largest: Array.from({ length: numSources }, () => ({ kept: id, documents: 2 })) },
        boilerplate: {
          documents: 9,
          passages: Array.from({ length: numSources }, () => ({ text, shingles: 1, documents: 2, least_documents: 2 })),
        },
      },
      cost: undefined,
      pairs: {
        dir: id,
        shingling: { unit: "char", size: 5 },
        removed: { total: 1, bins: [{ from: 0.7, to: 1, removed: 1 }], sample: [] },
        sample: Array.from({ length: 12 }, () => ({ id, kept: id, jaccard: 0.9, text, keptText: `${text} and more` })),
      },
    },
    rejected: Array.from({ length: 12 }, () => ({
      stage: "dedup",
      reason: id.slice(0, 40),
      records: 9,
      numFiles: 9,
      files: [{ file: id, records: 3 }],
      examples: [{ file: id, offset: 1, line: 1, reason: id.slice(0, 40), detail: text, id }],
    })),
    rewritten: [{ rule: id.slice(0, 40), documents: 9, examples: [{ file: id, offset: 1, id, rules: [id] }] }],
  };
}

function bodyOf(page: string): string {
  return page.slice(page.indexOf("<body>"), page.indexOf("</html>"));
}

describe("a page of hostile names and texts", () => {
  const page = renderPage(runWith(`${HOSTILE} some words to compare`, HOSTILE));

  test("has no tag and no attribute that the report does not write", () => {
    const body = bodyOf(page);
    const known =
      "a article b bdi body br caption circle code dd details div dl dt figcaption figure g h1 h2 h3 h4 h5 header html i li line main mark nav p path polyline pre rect section span strong summary svg table tbody td text th thead title tr ul".split(
        " ",
      );
    const tags = new Set([...body.matchAll(/<\/?([a-zA-Z0-9]+)/g)].map(([, tag]) => tag!));
    expect([...tags].filter((tag) => !known.includes(tag))).toEqual([]);
    const attributes = [...body.matchAll(/<[a-z0-9]+((?:\s+[a-zA-Z0-9-]+(?:="[^"]*")?)*)\s*\/?>/g)].flatMap(
      ([, list]) => [...list!.matchAll(/\s([a-zA-Z0-9-]+)(?==|\s|$)/g)].map(([, name]) => name!.toLowerCase()),
    );
    expect(attributes.filter((name) => name.startsWith("on") || name === "src")).toEqual([]);
    // Every "<" opens one of these tags whole.
    expect(body.replace(/<\/?[a-z0-9]+(?:\s+[a-zA-Z0-9:-]+="[^"<>]*")*\s*\/?>/gi, "").includes("<")).toBe(false);
  });

  test("closes what it opens", () => {
    const open: string[] = [];
    for (const [, slash, tag, end] of bodyOf(page).matchAll(/<(\/?)([a-z0-9]+)[^>]*?(\/?)>/g)) {
      if (end === "/") continue;
      if (slash === "") open.push(tag!);
      else expect(open.pop()).toBe(tag);
    }
    expect(open).toEqual([]);
  });

  test("shows no name that turns the order of characters around", () => {
    expect(nameOf("a\u202eb\u2066c").text.includes("a\ufffdb\ufffdc")).toBe(true);
    expect(nameOf("\u05d0\u05d1").text.includes("\u05d0\u05d1")).toBe(true);
  });
});

test("a page stays below 5 MB whatever the corpus", () => {
  const text = "<\u202e& \ud83d\ude00 word ".repeat(100_000);
  const page = renderPage(runWith(text, "x<&".repeat(3_000), 5_000));
  expect(Buffer.byteLength(page)).toBeLessThan(5e6);
});

describe("excerpts", () => {
  const pieces = fc.array(
    fc.constantFrom(
      "word ",
      "\u0e01\u0e49",
      "\u0928\u093f",
      "\ud83d\udc68\u200d\ud83d\udc69",
      "\u4e2d",
      "e\u0301",
      "\n",
    ),
    {
      minLength: 0,
      maxLength: 2_000,
    },
  );

  test("hold a run of the text, whole characters, and say how much they leave out", () => {
    fc.assert(
      fc.property(pieces, fc.nat(), fc.nat(), (parts, a, b) => {
        const text = parts.join("");
        const start = cutAt(text, a % (text.length + 1));
        const begin = start + (b % 50);
        const { text: shown } = excerpt({ text, shared: [{ begin, end: begin + 100 }] }, start);
        const notes = [...shown.matchAll(/<span class="cut" dir="ltr">([\d,]+) characters (?:before|after)<\/span>/g)];
        const left = notes.reduce((sum, [, number]) => sum + Number(number!.replaceAll(",", "")), 0);
        const plain = shown.replace(/<span class="cut".*?<\/span>/g, "").replace(/<[^>]*>/g, "");
        expect(plain.length + left).toBe(text.length);
        expect(text.slice(start, start + plain.length)).toBe(plain);
        expect(plain.isWellFormed?.() ?? true).toBe(true);
        expect(plain.length).toBeLessThan(MAX_CHARACTERS + 50);
      }),
      { numRuns: 60 },
    );
  });

  test("are not cut inside a character of several code points", () => {
    for (const one of [
      "\ud83d\ude00",
      "\u0928\u093f",
      "e\u0301",
      "\ud83d\udc68\u200d\ud83d\udc69",
      "\ud83d\udc4d\ud83c\udffd",
    ]) {
      for (let at = 1; at < one.length; at += 1) expect(cutAt(`a${one}b`, 1 + at), one).toBe(1 + one.length);
    }
    expect(cutAt("abc", 1)).toBe(1);
  });
});

test("words for the shell mean what they say", () => {
  const texts = fc.sample(
    fc.string({ unit: fc.constantFrom(..."ab '\"\\$`!*?;&|<>(){}[]~#-=%\u00e9\u4e2d".split("")), minLength: 1 }),
    200,
  );
  const words = [...texts, "-n", "it's", "$(id)", "a b"].map((text) => [text, shellWord(text)!] as const);
  const script = words.map(([, word]) => `printf '%s\\n' ${word}`).join("\n");
  expect(execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\n").slice(0, -1)).toEqual(
    words.map(([text]) => text),
  );
  for (const text of ["", "a\nb", "a\u0000", "\u202e", "\ud800", "x".repeat(10_000)])
    expect(shellWord(text)).toBeUndefined();
});

describe("the colours", () => {
  /** WCAG 2.2: relative luminance and contrast of two colours. */
  function contrast(a: string, b: string): number {
    const luminance = (colour: string): number => {
      const digits =
        colour.length === 4 ? [...colour.slice(1)].map((digit) => digit + digit) : colour.slice(1).match(/../g)!;
      const [r, g, bl] = digits.map((pair) => {
        const value = Number.parseInt(pair, 16) / 255;
        return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      }) as [number, number, number];
      return 0.2126 * r + 0.7152 * g + 0.0722 * bl;
    };
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
    return (high + 0.05) / (low + 0.05);
  }

  test("of text contrast with their grounds by 4.5 to 1, in light and in dark", () => {
    const [light, dark] = [...STYLE.matchAll(/:root\{([^}]*)\}/g)].map(([, list]) =>
      Object.fromEntries([...list!.matchAll(/--([a-z-]+):(#[0-9a-f]+)/g)].map(([, name, value]) => [name!, value!])),
    );
    for (const colours of [light!, dark!]) {
      for (const ink of ["ink", "soft", "one", "own", "alarm"]) {
        for (const ground of ["paper", "card"]) {
          expect(contrast(colours[ink]!, colours[ground]!), `${ink} on ${ground}`).toBeGreaterThan(4.5);
        }
      }
      for (const [ink, ground] of [
        ["ink", "shared"],
        ["ink", "alarm-ground"],
        ["soft", "alarm-ground"],
        ["alarm", "alarm-ground"],
      ] as const)
        expect(contrast(colours[ink]!, colours[ground]!), `${ink} on ${ground}`).toBeGreaterThan(4.5);
    }
    expect(contrast("#777", "#fff")).toBeLessThan(4.5);
  });
});

test("a template leaves out nothing but what is not there", () => {
  expect(html`${0}${""}${false}x`.text).toBe("0x");
});
