import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, rmdir, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expandInput } from "#src/read/index.js";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "discover-"));
  for (const path of [
    "b.jsonl",
    "a.jsonl",
    "notes.md",
    "sub/c.txt",
    "sub/deep/d.jsonl.gz",
    ".hidden/e.jsonl",
    "we[i]rd.jsonl",
  ]) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), "");
  }
  await symlink(join(dir, "a.jsonl"), join(dir, "sub/link.jsonl"));
  await symlink(dir, join(dir, "sub/loop"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const expand = async (input: string): Promise<string[]> =>
  (await expandInput(join(dir, input))).map((path) => relative(dir, path));

test("a folder stands for its corpus files and those below it, sorted, without hidden ones and loops", async () => {
  expect(await expand(".")).toEqual([
    "a.jsonl",
    "b.jsonl",
    "sub/c.txt",
    "sub/deep/d.jsonl.gz",
    "sub/link.jsonl",
    "we[i]rd.jsonl",
  ]);
});

test.each([
  ["*.jsonl", ["a.jsonl", "b.jsonl", "we[i]rd.jsonl"]],
  ["?.jsonl", ["a.jsonl", "b.jsonl"]],
  ["[ac].jsonl", ["a.jsonl"]],
  ["[!a].jsonl", ["b.jsonl"]],
  ["{b,sub/nothing,a}.jsonl", ["a.jsonl", "b.jsonl"]],
  ["**/*.jsonl", ["a.jsonl", "b.jsonl", "sub/link.jsonl", "we[i]rd.jsonl"]],
  ["**/d.*", ["sub/deep/d.jsonl.gz"]],
  ["*/c.txt", ["sub/c.txt"]],
  [".*/*.jsonl", [".hidden/e.jsonl"]],
])("the pattern %s finds %o", async (pattern, found) => {
  expect(await expand(pattern.replace("sub/nothing", "nothing"))).toEqual(found);
});

test("a folder of .json files alone is refused with the way to name them", async () => {
  await mkdir(join(dir, ".json"));
  await writeFile(join(dir, ".json/cat.json"), "[]");
  await expect(expand(".json")).rejects.toMatchObject({ hint: expect.stringContaining("match a pattern") });
});

test("a file that exists is itself, even when its name looks like a pattern", async () => {
  expect(await expand("we[i]rd.jsonl")).toEqual(["we[i]rd.jsonl"]);
  expect(await expand("notes.md")).toEqual(["notes.md"]);
});

test.each(["none.jsonl", "*.csv", "sub/deep/none"])("what stands for nothing is refused: %s", async (input) => {
  await expect(expand(input)).rejects.toMatchObject({ code: "config-input" });
});

test("a pattern whose brackets hold no range is the pattern's mistake, not a fault of ours", async () => {
  await expect(expand("[z-a].jsonl")).rejects.toMatchObject({ code: "config-input" });
});

test("a link that leads nowhere is refused with where it leads, however it is named, unless it is no corpus file", async () => {
  const own = join(dir, ".links");
  await mkdir(own);
  await symlink("nowhere", join(own, "notes.md"));
  await writeFile(join(own, "a.jsonl"), "");
  expect(await expandInput(own)).toEqual([join(own, "a.jsonl")]);
  await symlink("nowhere", join(own, "b.jsonl"));
  await symlink("c.txt", join(own, "c.txt"));
  for (const input of [own, join(own, "b.jsonl"), join(own, "[bc].*"), join(own, "**/*.jsonl")]) {
    await expect(expandInput(input), input).rejects.toMatchObject({
      code: "config-input",
      hint: expect.stringContaining("it is a link to nowhere, where nothing is"),
    });
  }
  await expect(expandInput(join(own, "c.txt"))).rejects.toMatchObject({
    hint: expect.stringContaining("link to c.txt"),
  });
});

test("a pipe is refused: inputs are read more than once", async () => {
  const own = join(dir, ".pipes");
  await mkdir(own);
  execFileSync("mkfifo", [join(own, "a.jsonl")]);
  for (const input of [own, join(own, "a.jsonl"), join(own, "*")]) {
    await expect(expandInput(input), input).rejects.toMatchObject({
      code: "config-input",
      message: expect.stringContaining("got a pipe at"),
    });
  }
});

test("a name that is not UTF-8 is refused where it is meant, of a folder too: nothing is left out", async () => {
  const place = await mkdtemp(join(tmpdir(), "discover-names-"));
  const made = Buffer.concat([Buffer.from(`${place}/`), Buffer.from([0xff])]);
  await writeFile(join(place, "a.jsonl"), "");
  // File systems that know no such names have none to leave out.
  const isMade = await writeFile(Buffer.concat([made, Buffer.from(".md")]), "").then(
    () => true,
    () => false,
  );
  if (!isMade) return;
  expect(await expandInput(place)).toEqual([join(place, "a.jsonl")]);
  const meant = { code: "config-input", message: expect.stringContaining(`in ${place}`) };
  const file = Buffer.concat([made, Buffer.from(".jsonl")]);
  await writeFile(file, "");
  for (const input of [place, join(place, "*.jsonl")]) await expect(expandInput(input)).rejects.toMatchObject(meant);
  await rm(file);
  await mkdir(made);
  for (const input of [place, join(place, "**/*.jsonl"), join(place, "*/*.jsonl")]) {
    await expect(expandInput(input)).rejects.toMatchObject(meant);
  }
  // One that holds the sign itself is as good as any.
  await rmdir(made);
  await writeFile(join(place, "\ufffd.jsonl"), "");
  expect(await expandInput(place)).toHaveLength(2);
  await rm(place, { recursive: true });
});

test("names may hold spaces, line ends, quotes and any script", async () => {
  const own = join(dir, ".names");
  await mkdir(own);
  const names = ["a b.jsonl", "a\nb.jsonl", "'\"$(x).jsonl", "\u6587\u66f8.jsonl", "e\u0301.jsonl", "-x.jsonl"];
  for (const name of names) await writeFile(join(own, name), "");
  const paths = names.map((name) => join(own, name)).sort();
  expect(await expandInput(own)).toEqual(paths);
  expect(await expandInput(join(own, "*.jsonl"))).toEqual(paths);
  for (const path of paths) expect(await expandInput(path)).toEqual([path]);
});
