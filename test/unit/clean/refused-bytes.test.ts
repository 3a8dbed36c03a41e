// What one bad byte takes of a JSON or CSV file counts as one record; its bytes decide whether the run may go on.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cleanStage } from "#src/clean/index.js";
import { cleanTasks } from "#src/clean/tasks.js";
import { createBlockReader } from "#src/read/index.js";
import { conduct, refsOf } from "./conduct.js";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "refused-bytes-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const NUM_RECORDS = 1000;

async function clean(name: string, content: string, maxRejectedFraction: number): Promise<unknown> {
  const path = join(dir, name);
  await writeFile(path, content);
  const config = { minTokens: 0, maxRejectedFraction };
  const out = join(dir, `out-${name}-${maxRejectedFraction}`);
  const reader = createBlockReader();
  return conduct(cleanStage, cleanTasks, { inputs: await refsOf([path]), config, dir: out, reader });
}

const json = (badRow: number): string =>
  `[${Array.from({ length: NUM_RECORDS }, (_, i) => `{"text":"row ${i}"}${i === badRow ? "," : ""}`).join(",")}]`;
const csv = (badRow: number): string =>
  `text\n${Array.from({ length: NUM_RECORDS }, (_, i) => `${i === badRow ? '"' : ""}row ${i}\n`).join("")}`;

test.each([
  ["json", json],
  ["csv", csv],
])("damage that takes most of a .%s file ends the run, damage near its end does not", async (ending, content) => {
  await expect(clean(`early.${ending}`, content(200), 0.01)).rejects.toMatchObject({
    code: "too-many-rejected",
    message: expect.stringContaining("bytes without records that can be told apart"),
  });
  await clean(`early.${ending}`, content(200), 0.9);
  await clean(`late.${ending}`, content(NUM_RECORDS - 2), 0.01);
});
