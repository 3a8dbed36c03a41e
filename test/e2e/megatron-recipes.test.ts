// The data part of the paper's recipes on small corpora in the layouts of the real ones, written here: each rule of section
// 4.1 takes its document and no other, by the command a user types.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
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

async function millrace(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(root, "dist/cli/main.js"), ...args], { cwd: place });
  return stdout;
}

interface Kept {
  readonly id: string;
  readonly text: string;
  readonly source: string;
}

async function documents(folder: string): Promise<Kept[]> {
  const names = (await readdir(join(place, folder))).filter((name) => /^part-.*\.jsonl$/.test(name)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(place, folder, name), "utf8")));
  return texts
    .join("")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

async function rejected(folder: string): Promise<string[]> {
  const text = await readFile(join(place, folder, "rejected/rejected.jsonl"), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
    .map(({ id, reason }) => `${id} ${reason}`);
}

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "millrace-recipes-"));
  await mkdir(join(place, "corpora/bookcorpus"), { recursive: true });
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
      article(1, "Anarchism", prose("anarchism")),
      article(2, "Super Mario Land", prose("mario")),
      article(3, "Aachen", "A city."),
    ]),
  );
  const { titlesOf } = await import(pathToFileURL(join(root, "datasets/wikitext103/titles.mjs")).href);
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
    lines([{ ...news, url: "https://youtube.com/news", text: prose("news").replaceAll(" to the", "\nto the") }]),
  );

  const german = "Der Hund läuft durch den großen Wald, und die Katze schläft jeden Abend ruhig am Fenster. ";
  const page = (id: string, url: string, text: string) => ({ id, url, text });
  await write(
    "openwebtext-0.jsonl",
    lines([
      page("page", "http://site.com/a", `It doesnâ€™t end. ${prose("web")}`),
      page("domain", "https://www.youtube.com/watch", prose("domain")),
      page("ending", "http://site.com/a.jpg?x", prose("ending")),
      page("german", "http://site.com/de", german.repeat(12)),
      page("copy", "http://site.com/b", `It doesnâ€™t end. ${prose("web")} Once more.`),
    ]),
  );
  const { literalsOf } = await import(pathToFileURL(join(root, "datasets/openwebtext/url-lists.mjs")).href);
  const script = "domain_blacklist = set([\n    'youtube',\n])\nextentions_blacklist = (\n    '.7z'\n    '.jpg',\n)\n";
  await write("openwebtext-domains.txt", literalsOf(script, "domain_blacklist").join("\n"));
  await write("openwebtext-extensions.txt", literalsOf(script, "extentions_blacklist").join("\n"));
  await write("bookcorpus/first-book.txt", prose("a book", 40));
}, 30_000);
afterAll(() => rm(place, { recursive: true, force: true }));

const GPT2 = ["run", join(root, "pipelines/megatron-gpt2.yaml"), "--set", "train=false", "--set", "eval=false"];
const BERT = ["run", join(root, "pipelines/megatron-bert.yaml")];

describe("the paper's recipes", () => {
  test("the one of GPT-2 takes from each corpus what section 4.1 says", async () => {
    await millrace(...GPT2, "--set", "workers=1");
    const clean = "runs/megatron-gpt2/clean";
    expect(await rejected(clean)).toEqual([
      "2 listed-title",
      "3 too-short",
      "domain blocked-url",
      "ending blocked-url",
      "german other-language",
    ]);
    const kept = await documents(clean);
    expect(kept.map(({ id }) => id)).toEqual(["1", "story", "realnews-0#0", "page", "copy"]);
    const textOf = (id: string): string => kept.find((document) => document.id === id)!.text;
    expect(textOf("story")).toBe(prose("stories"));
    expect(textOf("realnews-0#0")).toContain("\nto the river");
    expect(textOf("page")).toMatch(/^It doesn’t end\. /);
    const summary = JSON.parse(await readFile(join(place, "runs/megatron-gpt2/summary.json"), "utf8"));
    expect(summary).toMatchObject({ documents_kept: 4, documents_removed: 1 });
    expect(summary.stages.clean.counts).toMatchObject({ changed_unicodeRepair: 2, changed_storyNewlines: 1 });
  }, 60_000);

  test("the one of BERT adds the books and ends with the documents", async () => {
    const plan = JSON.parse(await millrace(...BERT, "--dry-run", "--json"));
    const gpt2 = JSON.parse(await millrace(...GPT2, "--dry-run", "--json"));
    expect(plan.clean).toEqual(gpt2.clean);
    expect(plan.dedup).toEqual(gpt2.dedup);
    expect(plan.inputs.slice(0, -1)).toEqual(gpt2.inputs);
    expect(Object.keys(plan).filter((key) => ["shard", "train", "eval"].includes(key))).toEqual([]);
    await millrace(...BERT, "--set", "workers=1");
    const kept = await documents("runs/megatron-bert/clean");
    expect(kept.at(-1)).toMatchObject({ id: "first-book#0", source: "first-book" });
    expect(kept).toHaveLength(6);
  }, 60_000);

  test("without the list of titles nothing is read, and the sentence says where it comes from", async () => {
    await rm(join(place, "corpora/wikitext103-test-titles.txt"));
    const failed = await millrace(...GPT2).catch((error: { code: number; stderr: string }) => error);
    expect(failed).toMatchObject({ code: 2, stderr: expect.stringContaining("listedTitles.file") });
    expect(failed).toMatchObject({ stderr: expect.stringContaining("datasets/") });
  });
});
