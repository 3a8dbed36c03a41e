import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeFolders } from "#src/base/make-folders.js";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "make-folders-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test("the first folder that was made is told, and none where all were there", async () => {
  expect(await makeFolders(join(dir, "a/b/c"))).toBe(join(dir, "a"));
  expect(await makeFolders(join(dir, "a/b/c"))).toBeUndefined();
  expect(await makeFolders(join(dir, "a/b/d"))).toBe(join(dir, "a/b/d"));
});

test("several at once make one tree", async () => {
  const path = join(dir, "many/of/them");
  const made = await Promise.all(Array.from({ length: 20 }, (_, i) => makeFolders(join(path, String(i % 4)))));
  expect(made.filter((first) => first === join(dir, "many"))).toHaveLength(1);
  for (let i = 0; i < 4; i += 1) expect((await stat(join(path, String(i)))).isDirectory()).toBe(true);
});

test("a file, and a link to nowhere, in the way are errors; a link to a folder is one", async () => {
  await writeFile(join(dir, "file"), "");
  await symlink(join(dir, "nowhere"), join(dir, "dangling"));
  await mkdir(join(dir, "folder"));
  await symlink(join(dir, "folder"), join(dir, "link"));
  for (const [path, code] of [
    ["file", "EEXIST"],
    ["file/below", "ENOTDIR"],
    ["dangling", "EEXIST"],
    ["dangling/below", "EEXIST"],
  ] as const) {
    await expect(makeFolders(join(dir, path)), path).rejects.toMatchObject({ code });
  }
  expect(await makeFolders(join(dir, "link/below"))).toBe(join(dir, "link/below"));
});
