import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { RunEvent } from "#src/run/events.js";
import { acquireLock } from "#src/run/lock.js";
import { dataOf, ended, killToy, makeToy, runToy, startToy, type Toy } from "./toy.js";

/** Runs the toy in its own process group and kills the group after `ms`; true when the kill came before the end. */
async function killAfter(toy: Toy, ms: number, env: Record<string, string>): Promise<boolean> {
  const child = startToy(toy, ["upper.delayMs=15"], env);
  const end = ended(child);
  const finished = await Promise.race([end.then(() => true), sleep(ms).then(() => false)]);
  if (!finished) killToy(child);
  await end;
  return !finished;
}

/** With it a run never ends by itself: its last block but two. */
const HELD = "upper.holdAt=1-0030";

/** Lines of the first stage's journal; one that is being written may be among them. */
const journalOf = (toy: Toy): string[] => {
  const path = join(toy.out, "upper/journal.jsonl");
  return existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
};

describe("a killed run", () => {
  test("goes on and ends with the same bytes, whenever the kill comes", async () => {
    const reference = makeToy();
    await runToy(reference);
    const expected = dataOf(reference.out);
    let kills = 0;
    for (let round = 0; round < 2; round++) {
      const toy = makeToy();
      const trace = join(toy.dir, "trace");
      // Longer and longer, so that the kills fall on the start, the phases and the commits.
      for (
        let ms = 150 + Math.random() * 100;
        await killAfter(toy, ms, { TOY_TRACE: trace });
        ms = ms * 1.1 + 60 + Math.random() * 120
      )
        kills += 1;
      expect(dataOf(toy.out)).toEqual(expected);
      expect((await runToy(toy)).upToDate).toBe(true);
    }
    expect(kills).toBeGreaterThan(3);
  });

  test("does not redo what its journal holds", async () => {
    const toy = makeToy("upper:\n");
    const child = startToy(toy, [HELD]);
    const end = ended(child);
    while (journalOf(toy).length < 5) await sleep(5);
    killToy(child);
    await end;
    const done = journalOf(toy)
      // A line that the kill tore is not done.
      .slice(0, -1)
      .filter((line) => line.includes('"type":"task"'));
    expect(done.length).toBeGreaterThan(0);
    const { events } = await runToy(toy);
    expect(events).toContainEqual(expect.objectContaining({ type: "stage-started", resumedTasks: done.length }));
  });

  test("redoes a finished task whose output is gone or damaged", async () => {
    const toy = makeToy("upper:\n");
    // One worker: in order, so that everything before the failure is done.
    await expect(runToy(toy, ["upper.failAt=1-0040", "workers=1"])).rejects.toMatchObject({ code: "toy-bad" });
    const work = join(toy.out, "upper/.work");
    rmSync(join(work, "0-0005.txt"));
    writeFileSync(join(work, "0-0000.txt"), readFileSync(join(work, "0-0000.txt"), "utf8").replace("LINE", "LIME"));
    await runToy(toy);
    const whole = makeToy("upper:\n");
    await runToy(whole);
    expect(dataOf(toy.out)).toEqual(dataOf(whole.out));
  });
});

test("a run that was killed before it had a journal is begun anew, and a file of someone else's is not touched", async () => {
  const toy = makeToy("upper:\n");
  const dir = join(toy.out, "upper");
  mkdirSync(join(dir, ".work"), { recursive: true });
  writeFileSync(join(dir, ".journal.jsonl.123-0-1.partial"), "{");
  await runToy(toy);
  const other = makeToy("upper:\n");
  mkdirSync(join(other.out, "upper"), { recursive: true });
  writeFileSync(join(other.out, "upper", "theirs"), "");
  await expect(runToy(other)).rejects.toMatchObject({ code: "config-out" });
});

describe("a run that fails", () => {
  test("stops with the task's error, its file, line and hint", async () => {
    const toy = makeToy();
    await expect(runToy(toy, ["upper.failAt=1-0010"])).rejects.toMatchObject({
      code: "toy-bad",
      stage: "upper",
      where: { file: join(toy.dir, "in/input-1.txt"), line: 11 },
      hint: "write others",
    });
    expect(existsSync(join(toy.out, "summary.json"))).toBe(false);
    expect(existsSync(join(toy.out, ".millrace/lock"))).toBe(false);
    expect((await runToy(toy)).upToDate).toBe(false);
  });

  test("reports a worker that dies, by task", async () => {
    await expect(runToy(makeToy(), ["upper.dieAt=0-0015"])).rejects.toMatchObject({
      code: "worker-died",
      message: expect.stringContaining("task 0-0015"),
    });
  });
});

describe("an interrupted run", () => {
  test("stops amidst a task that would never end, says 130 and goes on later", async () => {
    const toy = makeToy();
    const child = startToy(toy, [HELD]);
    const end = ended(child);
    while (journalOf(toy).length < 5) await sleep(5);
    child.kill("SIGINT");
    expect((await end).code).toBe(130);
    expect(existsSync(join(toy.out, ".millrace/lock"))).toBe(false);
    await runToy(toy);
    const whole = makeToy();
    await runToy(whole);
    expect(dataOf(toy.out)).toEqual(dataOf(whole.out));
  });

  test("a process that governs itself gets the signal", async () => {
    const stop = new AbortController();
    const toy = makeToy("drill: { steps: 50, delayMs: 20 }\n");
    const onEvent = (event: RunEvent) => event.type === "progress" && event.progress.done > 2 && stop.abort();
    await expect(runToy(toy, [], { signal: stop.signal, onEvent })).rejects.toMatchObject({ code: "interrupted" });
    const { events } = await runToy(toy, ["drill.delayMs=0"]);
    expect(events.find((event) => event.type === "progress")).not.toMatchObject({ progress: { done: 0 } });
  });
});

describe("the lock", () => {
  test("refuses a second run in the same folder while the first lives", async () => {
    const toy = makeToy();
    const child = startToy(toy, [HELD]);
    const end = ended(child);
    while (!existsSync(join(toy.out, ".millrace/lock"))) await sleep(5);
    await expect(runToy(toy)).rejects.toMatchObject({
      code: "run-locked",
      message: expect.stringContaining(`process ${child.pid}`),
    });
    killToy(child);
    await end;
    await runToy(toy);
  });

  test("of a dead process, of an earlier process with the same number, or half written is taken over", async () => {
    const { dir } = makeToy();
    const path = join(dir, "control/lock");
    const host = hostname();
    for (const text of [
      JSON.stringify({ pid: 2 ** 22 + 1, host, started: "1" }),
      JSON.stringify({ pid: process.pid, host, started: "1" }),
      '{"pid',
    ]) {
      mkdirSync(join(dir, "control"));
      writeFileSync(path, text);
      await (await acquireLock(path)).release();
      expect(existsSync(path)).toBe(false);
    }
  });

  test("leaves nothing behind it where nothing else came to be, and takes away no folder of others", async () => {
    const { dir } = makeToy();
    await (await acquireLock(join(dir, "new/deep/control/lock"))).release();
    expect(existsSync(join(dir, "new"))).toBe(false);
    mkdirSync(join(dir, "there"));
    await (await acquireLock(join(dir, "there/control/lock"))).release();
    expect(readdirSync(join(dir, "there"))).toEqual([]);
    const lock = await acquireLock(join(dir, "there/control/lock"));
    writeFileSync(join(dir, "there/control/digests.json"), "{}");
    await lock.release();
    expect(readdirSync(join(dir, "there/control"))).toEqual(["digests.json"]);
  });

  test("of another machine is not judged", async () => {
    const { dir } = makeToy();
    const path = join(dir, "control/lock");
    mkdirSync(join(dir, "control"));
    writeFileSync(path, JSON.stringify({ pid: 1, host: `not-${hostname()}`, started: "1" }));
    await expect(acquireLock(path)).rejects.toMatchObject({ code: "run-locked", hint: expect.stringContaining(path) });
  });
});
