import { appendFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type JournalHeader, JournalWriter, readJournal, taskKey } from "#src/run/journal.js";

const header: JournalHeader = {
  type: "stage",
  format: 1,
  stage: "toy",
  version: 1,
  key: "sha256:00",
  config: {},
  inputs: [],
};

function record(id: string) {
  return {
    type: "task",
    phase: "blocks",
    id,
    outputs: [],
    counts: { documents: 1 },
    data: { id },
    seconds: 0.5,
  } as const;
}

async function written(ids: readonly string[]): Promise<{ dir: string; path: string }> {
  const dir = mkdtempSync(join(tmpdir(), "millrace-journal-"));
  const journal = await JournalWriter.start(dir, header);
  await Promise.all(ids.map((id) => journal.append(record(id))));
  await journal.append({ type: "phase", phase: "blocks", seconds: 2, order: ids });
  await journal.close();
  return { dir, path: join(dir, "journal.jsonl") };
}

describe("the journal", () => {
  test("gives back what was appended, in the order of appending", async () => {
    const ids = Array.from({ length: 50 }, (_, i) => `task-${i}`);
    const { dir, path } = await written(ids);
    const { header: found, tasks, phases, validBytes } = await readJournal(dir);
    expect(found).toEqual(header);
    expect([...tasks.keys()]).toEqual(ids.map((id) => taskKey("blocks", id)));
    expect(tasks.get(taskKey("blocks", "task-7"))).toEqual(record("task-7"));
    expect(phases.get("blocks")?.order).toEqual(ids);
    expect(validBytes).toBe(readFileSync(path).length);
  });

  test("is read up to a torn line, wherever the tear is", async () => {
    const { dir, path } = await written(["a", "b"]);
    const whole = readFileSync(path);
    const ends = [...whole.keys()].filter((i) => whole[i] === 10).map((i) => i + 1);
    for (let length = 0; length <= whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      const { validBytes } = await readJournal(dir);
      expect(validBytes).toBe(ends.findLast((end) => end <= length) ?? 0);
    }
  });

  test("appending after a tear leaves no trace of it", async () => {
    const { dir, path } = await written(["a", "b"]);
    appendFileSync(path, '{"type":"task","phase":"blocks","id":"torn');
    const { validBytes } = await readJournal(dir);
    const journal = await JournalWriter.resume(dir, validBytes);
    await journal.append(record("c"));
    await journal.close();
    const { tasks } = await readJournal(dir);
    expect([...tasks.values()].map(({ id }) => id)).toEqual(["a", "b", "c"]);
    expect(readFileSync(path, "utf8")).not.toContain("torn");
  });

  test("what stands behind damage in the middle does not count", async () => {
    const { dir, path } = await written(["a", "b", "c"]);
    const lines = readFileSync(path, "utf8").split("\n");
    lines[2] = "\0\0\0\0";
    writeFileSync(path, lines.join("\n"));
    const { tasks, phases } = await readJournal(dir);
    expect([...tasks.values()].map(({ id }) => id)).toEqual(["a"]);
    expect(phases.size).toBe(0);
  });
});
