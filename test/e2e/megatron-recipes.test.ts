// The paper's recipes on small corpora in the layouts of the real ones, written here: each rule of section 4.1 and of the
// published code takes its documents and no other, by the command a user types, through dedup, shards and training.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const layouts = fileURLToPath(new URL("../../../shared/data/task-layouts/", import.meta.url));
const run = promisify(execFile);
let place: string;

/** `n` different English sentences of about twelve tokens, never the same for two names. */
function prose(name: string, n = 14): string {
  const animals = ["dog", "cat", "horse", "bird", "fox", "bear", "wolf", "mouse", "sheep", "goose", "snake", "crab"];
  const sentence = (i: number): string =>
    `The ${animals[i % 12]} of ${name} number ${i * 7} walked with the ${animals[(i * 5 + 3) % 12]} to the river.`;
  return Array.from({ length: n }, (_, i) => sentence(i)).join(" ");
}

async function write(path: string, content: string): Promise<void> {
  await writeFile(join(place, "corpora", path), content);
}

const lines = (records: readonly object[]): string => records.map((record) => `${JSON.stringify(record)}\n`).join("");

/** A script beside a card of datasets/. */
function script(path: string) {
  return import(pathToFileURL(join(root, "datasets", path)).href);
}

async function millrace(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(root, "dist/cli/main.js"), ...args], { cwd: place });
  return stdout;
}

interface Kept {
  readonly id: string;
  readonly text: string;
  readonly source: string;
}

async function records<R>(path: string): Promise<R[]> {
  const text = await readFile(join(place, path), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** All lines of a folder's files of that pattern, in order. */
async function recordsOf<R>(folder: string, pattern: RegExp): Promise<R[]> {
  const names = (await readdir(join(place, folder))).filter((name) => pattern.test(name)).sort();
  return (await Promise.all(names.map((name) => records<R>(`${folder}/${name}`)))).flat();
}

const documents = (folder: string): Promise<Kept[]> => recordsOf<Kept>(folder, /^part-.*\.jsonl$/);

function numbersBySource(kept: readonly Kept[]): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const { source } of kept) numbers[source] = (numbers[source] ?? 0) + 1;
  return numbers;
}

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "millrace-recipes-"));
  await mkdir(join(place, "corpora/bookcorpus"), { recursive: true });
  // Wikipedia as WikiExtractor writes it.
  const article = (id: number, title: string, text: string) => {
    return {
      id: String(id),
      revid: "7",
      url: `https://en.wikipedia.org/wiki?curid=${id}`,
      title,
      text: `${title}\n\n${text}`,
    };
  };
  await write(
    "wikipedia-00.jsonl",
    lines([
      article(1, "Anarchism", `It doesnâ€™t end. ${prose("anarchism")}`),
      article(2, "Super Mario Land", prose("mario")),
      article(3, "Aachen", "A city."),
    ]),
  );
  const { titlesOf } = await script("wikitext103/titles.mjs");
  const wikiText = " \n = Super Mario @-@ Land = \n \n Text of it . \n \n = = Gameplay = = \n \n x = 1 \n";
  expect(titlesOf(wikiText)).toEqual(["Super Mario @-@ Land"]);
  await write("wikitext103-test-titles.txt", `${titlesOf(wikiText).join("\n")}\n`);

  const broken = prose("stories").replaceAll(" walked with", "\nwalked with");
  await write("cc-stories-0.jsonl", lines([{ id: "story", text: broken }]));
  const news = {
    title: "Super Mario Land",
    authors: ["A. B."],
    publish_date: "04-19-2019",
    domain: "example.com",
    split: "train",
  };
  await write(
    "realnews-0.jsonl",
    lines([
      { ...news, url: "https://youtube.com/news", text: prose("news").replaceAll(" to the", "\nto the") },
      { ...news, url: "https://example.com/short", text: "Short news." },
    ]),
  );

  const german = "Der Hund läuft durch den großen Wald, und die Katze schläft jeden Abend ruhig am Fenster. ";
  const page = (url: string, text: string) => ({ text, url });
  await write(
    "openwebtext-0.jsonl",
    lines([
      page("http://site.com/a", `It doesnâ€™t end. ${prose("web")}`),
      page("https://www.youtube.com/watch", prose("domain")),
      page("http://site.com/a.jpg?x", prose("ending")),
      page("a.b", prose("few characters")),
      page("ftp://site.com/x", prose("malformed")),
      page("http://site.com/de", german.repeat(12)),
      page("http://site.com/short", "Too short."),
      page("http://site.com/a", prose("the same address")),
      page("http://site.com/copy", `It doesnâ€™t end. ${prose("web")} Once more.`),
    ]),
  );
  const { literalsOf } = await script("openwebtext/url-lists.mjs");
  const python = "domain_blacklist = set([\n    'youtube',\n])\nextentions_blacklist = (\n    '.7z'\n    '.jpg',\n)\n";
  await write("openwebtext-domains.txt", literalsOf(python, "domain_blacklist").join("\n"));
  await write("openwebtext-extensions.txt", literalsOf(python, "extentions_blacklist").join("\n"));

  // A book a file, and what cut.mjs makes of a file of sentences.
  await write("bookcorpus/first-book.txt", prose("a book", 40));
  const { documentsOf } = await script("bookcorpus/cut.mjs");
  const cut = [];
  for await (const document of documentsOf(prose("many books", 30).split(/(?<=\.) /), "books_large_p1", 20)) {
    cut.push(document);
  }
  await write("bookcorpus/books_large_p1.jsonl", lines(cut));

  const letters = [..."abcdefghijklmnopqrstuvwxyz0123456789'’,.-:"];
  const pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ...letters, ...letters.map((letter) => `##${letter}`)];
  await write("bert-large-uncased-vocab.txt", `${pieces.join("\n")}\n`);
});
afterAll(() => rm(place, { recursive: true, force: true }));

const GPT2 = ["run", join(root, "pipelines/megatron-gpt2.yaml")];
/** A model and machine of this size; all other choices are the recipe's. */
const SMALL = {
  workers: 1,
  "clean.maxRejectedFraction": 0.1,
  "shard.heldout": 0.3,
  "train.model": "tiny",
  "train.tp": 2,
  "train.dp": 1,
  "train.steps": 2,
  "train.sequenceLength": 32,
  "train.globalBatch": 2,
  "train.microBatch": 1,
  eval: false,
};
const small = Object.entries(SMALL).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
const BERT = ["run", join(root, "pipelines/megatron-bert.yaml")];

describe("the paper's recipe of GPT-2", () => {
  const out = "runs/megatron-gpt2";
  beforeAll(async () => {
    await millrace(...GPT2, ...small);
  });

  test("rejects a document by each rule, of its corpus alone", async () => {
    const rejected = await records<{ id: string; reason: string; detail?: string }>(
      `${out}/clean/rejected/rejected.jsonl`,
    );
    expect(rejected.map(({ id, reason, detail = "" }) => `${id} ${reason} ${detail}`.trim())).toEqual([
      '2 listed-title the title "Super Mario Land" is listed',
      "3 too-short fewer than 128 GPT-2 tokens",
      expect.stringMatching(/^realnews-0#\d+ too-short/),
      "https://www.youtube.com/watch blocked-url the domain youtube is listed",
      "http://site.com/a.jpg?x blocked-url the ending .jpg is listed",
      "a.b blocked-url an address of fewer than 9 characters",
      "ftp://site.com/x blocked-url a malformed address",
      "http://site.com/de other-language the language is de",
      "http://site.com/short too-short fewer than 128 GPT-2 tokens",
      "http://site.com/a duplicate-id",
    ]);
  });

  test("rewrites what is broken, of its corpus alone", async () => {
    const rewritten = await recordsOf<{ id: string; rules: string[] }>(`${out}/clean/rewritten`, /^rewritten-/);
    expect(rewritten.map(({ id, rules }) => `${id} ${rules}`)).toEqual([
      "story storyNewlines",
      "http://site.com/a unicodeRepair",
      "http://site.com/copy unicodeRepair",
    ]);
    const kept = await documents(`${out}/clean`);
    const textOf = (id: string): string => kept.find((document) => document.id === id)!.text;
    expect(textOf("story")).toBe(prose("stories"));
    expect(textOf("realnews-0#0")).toContain("\nto the river");
    expect(textOf("http://site.com/a")).toBe(`It doesn’t end. ${prose("web")}`);
    expect(textOf("1")).toContain("â€™");
  });

  test("counts every document once, by source, in summary and report", async () => {
    expect(numbersBySource(await documents(`${out}/clean`))).toEqual({
      wikipedia: 1,
      "cc-stories": 1,
      realnews: 1,
      openwebtext: 2,
    });
    expect(numbersBySource(await records<Kept>(`${out}/dedup/kept.jsonl`))).toEqual({
      wikipedia: 1,
      "cc-stories": 1,
      realnews: 1,
      openwebtext: 1,
    });
    const removed = await records<{ id: string; kept: string }>(`${out}/dedup/removed.jsonl`);
    expect(removed).toMatchObject([{ id: "http://site.com/a", kept: "http://site.com/copy" }]);
    const summary = JSON.parse(await readFile(join(place, out, "summary.json"), "utf8"));
    expect(summary).toMatchObject({
      documents_read: 15,
      documents_rejected: 10,
      documents_removed: 1,
      documents_kept: 4,
      rejected: { "listed-title": 1, "too-short": 3, "blocked-url": 4, "other-language": 1, "duplicate-id": 1 },
      rewritten: { storyNewlines: 1, unicodeRepair: 2 },
    });
    const page = await readFile(join(place, out, "report.html"), "utf8");
    for (const name of [...Object.keys(summary.rejected), ...Object.keys(summary.rewritten)])
      expect(page).toContain(name);
  });

  test("trains on what is left, as the recipe says but for the size", async () => {
    const metrics = await records<{ step: number; loss: number }>(`${out}/train/metrics.jsonl`);
    expect(metrics.map(({ step }) => step)).toEqual([1, 2]);
    expect(metrics[0]!.loss).toBeGreaterThan(9);
  });

  test("without the list of titles nothing is read, and the sentence says where it comes from", async () => {
    const missing = "clean.listedTitles.file=corpora/none.txt";
    const failed = await millrace(...GPT2, "--set", missing).catch((error: { code: number; stderr: string }) => error);
    expect(failed).toMatchObject({ code: 2, stderr: expect.stringContaining("listedTitles.file") });
    expect(failed).toMatchObject({ stderr: expect.stringContaining("datasets/") });
  });
});

describe("the paper's recipe of BERT", () => {
  test("adds the books, in either layout, and ends with WordPiece ids", async () => {
    const plan = JSON.parse(await millrace(...BERT, "--dry-run", "--json"));
    const gpt2 = JSON.parse(await millrace(...GPT2, "--dry-run", "--json"));
    expect(plan.clean).toEqual(gpt2.clean);
    expect(plan.dedup).toEqual(gpt2.dedup);
    expect(plan.inputs.slice(0, -1)).toEqual(gpt2.inputs);
    expect(Object.keys(plan).filter((key) => ["train", "eval"].includes(key))).toEqual([]);
    await millrace(...BERT, "--set", "workers=1", "--set", "clean.maxRejectedFraction=0.1");
    const kept = await documents("runs/megatron-bert/clean");
    expect(kept.filter(({ source }) => source === "bookcorpus").map(({ id }) => id)).toEqual([
      "books_large_p1:1",
      "books_large_p1:21",
      "first-book#0",
    ]);
    const manifest = JSON.parse(await readFile(join(place, "runs/megatron-bert/shards/manifest.json"), "utf8"));
    expect(JSON.stringify(manifest)).toContain("vocab.txt");
    const summary = JSON.parse(await readFile(join(place, "runs/megatron-bert/summary.json"), "utf8"));
    expect(summary.documents_kept).toBe(7);
    expect(summary.tokens).toBeGreaterThan(2000);
  });
});

describe.skipIf(!existsSync(layouts))("the true layouts (skipped where ../shared/data is absent)", () => {
  const layout = (path: string): string => join(layouts, path);

  test("WikiText-103's test set gives its titles, in raw form alone", async () => {
    const titles = join(root, "datasets/wikitext103/titles.mjs");
    const raw = layout("wikitext__wikitext-103-raw-v1_1.0.0/dummy_data/wikitext-103-raw/wiki.test.raw");
    expect((await run(process.execPath, [titles, raw])).stdout).toBe("Super Mario Land\n");
    const tokens = layout("wikitext__wikitext-103-v1_1.0.0/dummy_data/wikitext-103/wiki.test.tokens");
    const failed = await run(process.execPath, [titles, tokens]).catch((error: { stderr: string }) => error);
    expect(failed.stderr).toContain("expected wiki.test.raw");
  });

  test("OpenWebText's pages are documents, as archives and as files; C4's and The Pile's lines are read as they are", async () => {
    const parts = layout("openwebtext__plain_text_1.0.0/dummy_data/openwebtext");
    const { pagesOf } = await script("openwebtext/pack.mjs");
    const packed: { id: string; text: string }[] = [];
    for (const part of ["fake_subset-1_data-dirxz", "fake_subset-2_data-dirxz"]) {
      const tar = await run("tar", ["cf", "-", "-C", parts, part], { encoding: "buffer", maxBuffer: 2 ** 24 });
      for await (const record of pagesOf([tar.stdout], expect.fail)) packed.push(record);
    }
    expect(packed.map(({ id }) => id.slice(0, 7))).toEqual(["0000005", "0000031", "0000036", "0000068"]);
    await cp(parts, join(place, "owt"), { recursive: true });
    await writeFile(join(place, "packed.jsonl"), lines(packed));
    const pile = layout("the_pile_openwebtext2__plain_text_1.0.0/dummy_data/fake.jsonl.zst");
    const c4 = layout("c4__en_0.0.0/dummy_data/c4-train.00000-of-01024.json.gz");
    await millrace("clean", "packed.jsonl", "owt", pile, c4, "--min-tokens", "0", "--out", "web");
    const kept = await documents("web");
    const texts = (choose: (document: Kept) => boolean): string[] => kept.filter(choose).map(({ text }) => text);
    expect(texts(({ source }) => source === "packed")).toHaveLength(4);
    expect(texts(({ id }) => /^00000\d\d-.*#0$/.test(id)).sort()).toEqual(
      texts(({ source }) => source === "packed").sort(),
    );
    expect(numbersBySource(kept)).toMatchObject({ fake: 1, "c4-train.00000-of-01024": 3 });
  });
});
