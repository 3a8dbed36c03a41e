// Folders and patterns of a store stand for the same files as those of this machine do.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { expandInput } from "#src/read/index.js";
import { type ObjectStore, startObjectStore } from "../../fixtures/object-store.js";

const FILES = [
  "b.jsonl",
  "a.jsonl",
  "notes.md",
  "top.json",
  "sub/c.txt",
  "sub/deep/d.jsonl.gz",
  "sub/deep/e.json",
  "sub/deeper.jsonl",
  "sub-2/f.jsonl",
  ".hidden/g.jsonl",
  "sub/.h.jsonl",
  "we[i]rd.jsonl",
  "100% (1)+ä.jsonl",
];
const BUCKET = "s3://discover/lang=en";
let dir: string;
let store: ObjectStore;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "discover-remote-"));
  store = await startObjectStore({ pageSize: 4 });
  const objects = new Map(FILES.map((name) => [`lang=en/${name}`, Buffer.from("{}\n")]));
  // What some tools write for an empty folder.
  objects.set("lang=en/sub/", Buffer.alloc(0));
  store.buckets.set("discover", objects);
  for (const name of FILES) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), "{}\n");
  }
  vi.stubEnv("AWS_ENDPOINT_URL", store.endpoint);
  vi.stubEnv("AWS_SKIP_SIGNATURE", "true");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

const below = (root: string, paths: readonly string[]): string[] => paths.map((path) => path.slice(root.length + 1));
const messageOf = (input: string): Promise<string> =>
  expandInput(input).then(
    (files) => `found ${files.length}`,
    (error) => error.message,
  );

test.each([
  "",
  "sub",
  "sub/",
  "*.jsonl",
  "**/*.jsonl",
  "**/*.json*",
  "**",
  "sub/**/*",
  "s*/d*/*",
  "sub*/*",
  "{a,b}.jsonl",
  "sub/{c.txt,deep/*.json}",
  "[!a].jsonl",
  "?.jsonl",
  ".hidden/*",
  "sub/.*",
  "we[i]rd.jsonl",
  "top.json",
])("%s: the same files, in the same order", async (input) => {
  const here = await expandInput(join(dir, input)).then(
    (paths) => below(dir, paths),
    (error) => error.code,
  );
  const there = await expandInput(`${BUCKET}/${input}`).then(
    (paths) => below(BUCKET, paths),
    (error) => error.code,
  );
  expect(there).toEqual(here);
});

test("a pattern would be seen to match other files", async () => {
  const of = async (input: string) => below(BUCKET, await expandInput(`${BUCKET}/${input}`));
  expect(await of("*.jsonl")).not.toEqual(await of("**/*.jsonl"));
  expect((await of("")).length).toBe(8);
});

test("what a list is asked for begins like the pattern, and no page is left out", async () => {
  store.requests.length = 0;
  const files = await expandInput(`${BUCKET}/sub/de*/**`);
  expect(below(BUCKET, files)).toEqual(["sub/deep/d.jsonl.gz", "sub/deep/e.json"]);
  const prefixes = store.requests.filter(({ key }) => key === "").map(({ query }) => query.get("prefix"));
  expect(new Set(prefixes)).toEqual(new Set(["lang=en/sub/de"]));
});

test("a name that is a file is itself, whatever its characters mean in a pattern or an address", async () => {
  for (const name of ["we[i]rd.jsonl", "100% (1)+ä.jsonl"])
    expect(await expandInput(`${BUCKET}/${name}`)).toEqual([`${BUCKET}/${name}`]);
});

test("nothing found is one sentence that names the address", async () => {
  const nothing = (input: string): string =>
    `expected an object, a folder of corpus files or objects that match at ${input}, found none`;
  for (const input of [`${BUCKET}/none.jsonl`, `${BUCKET}/*.csv`, "s3://discover/lang=e"])
    expect(await messageOf(input)).toBe(nothing(input));
  expect(await messageOf("s3://disc*/a.jsonl")).toBe("expected a pattern in the key alone, got s3://disc*/a.jsonl");
  const address = `${store.endpoint}/discover/none.jsonl`;
  expect(await messageOf(address)).toBe(`expected a file at ${address}, found none`);
});
