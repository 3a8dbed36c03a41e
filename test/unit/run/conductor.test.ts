import { copyFileSync, existsSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { RunEvent } from "#src/run/events.js";
import { dataOf, makeToy, runToy, stageEvents } from "./toy.js";

describe("a run", () => {
  test("writes its stages, the plan and the summary", async () => {
    const toy = makeToy();
    const { summary, upToDate } = await runToy(toy);
    expect(upToDate).toBe(false);
    expect(Object.keys(dataOf(toy.out)).sort()).toEqual(
      [
        "tail/tail-0.txt",
        "tail/tail-1.txt",
        "tail/tail-2.txt",
        "upper/part-0.txt",
        "upper/part-1.txt",
        "upper/part-2.txt",
        "upper/total.txt",
      ].sort(),
    );
    expect(JSON.parse(readFileSync(join(toy.out, "summary.json"), "utf8"))).toEqual(
      JSON.parse(JSON.stringify(summary)),
    );
    expect(summary.stages.upper?.counts).toEqual({ documents_read: 86, parts: 3 });
    expect(existsSync(join(toy.out, "upper/.work"))).toBe(false);
    expect(existsSync(join(toy.out, ".millrace/lock"))).toBe(false);
  });

  test("gives the same bytes with any number of workers", async () => {
    const [one, five] = [makeToy(), makeToy()];
    await runToy(one, ["workers=1"]);
    await runToy(five, ["workers=5", "upper.delayMs=3"]);
    expect(dataOf(five.out)).toEqual(dataOf(one.out));
  });

  test("gives other bytes for another configuration", async () => {
    const [one, other] = [makeToy(), makeToy()];
    await runToy(one);
    await runToy(other, ["upper.parts=4"]);
    expect(dataOf(other.out)).not.toEqual(dataOf(one.out));
  });

  test("ends where an input changes while it is read, with nothing committed, and then begins anew", async () => {
    const [toy, other] = [makeToy(), makeToy()];
    const rewrite = ({ dir }: { dir: string }): void => {
      const path = join(dir, "in/input-0.txt");
      writeFileSync(path, readFileSync(path, "utf8").replace("line 0", "LINE 0"));
    };
    const onEvent = ({ type }: RunEvent): void => {
      if (type === "stage-started") rewrite(toy);
    };
    await expect(runToy(toy, [], { onEvent })).rejects.toMatchObject({ code: "input-changed" });
    expect(existsSync(join(toy.out, "upper/stage.json"))).toBe(false);
    await runToy(toy);
    rewrite(other);
    await runToy(other);
    expect(dataOf(toy.out)).toEqual(dataOf(other.out));
  });

  test("refuses a file that is meant twice, by a link too, but takes copies of it", async () => {
    const toy = makeToy();
    const [file, link, copy] = ["input-0.txt", "link.txt", "copy.txt"].map((name) => join(toy.dir, "in", name));
    symlinkSync(file!, link!);
    copyFileSync(file!, copy!);
    for (const [path, got] of [
      [file!, "got one twice"],
      [link!, `got one by another name too: ${file}`],
    ] as const) {
      await expect(runToy(toy, [`inputs.1.path=${path}`])).rejects.toMatchObject({
        code: "config-input",
        message: expect.stringContaining(got),
        where: { file: path },
      });
    }
    expect((await runToy(toy, [`inputs.1.path=${copy}`])).upToDate).toBe(false);
  });

  test("does nothing the second time and says so", async () => {
    const toy = makeToy();
    await runToy(toy);
    const before = readFileSync(join(toy.out, "summary.json"), "utf8");
    const { upToDate, events } = await runToy(toy);
    expect(upToDate).toBe(true);
    expect(stageEvents(events)).toEqual(["upper stage-up-to-date", "tail stage-up-to-date"]);
    expect(readFileSync(join(toy.out, "summary.json"), "utf8")).toBe(before);
  });

  test("a key that only changes how fast is no change", async () => {
    const toy = makeToy();
    await runToy(toy);
    expect((await runToy(toy, ["upper.delayMs=1", "workers=1"])).upToDate).toBe(true);
  });

  test("a change of a stage redoes it and those that read it, no others", async () => {
    const toy = makeToy();
    await runToy(toy);
    const tailOnly = await runToy(toy, ["tail.suffix=fin"]);
    expect(stageEvents(tailOnly.events).filter((name) => !name.endsWith("progress"))).toEqual([
      "upper stage-up-to-date",
      "tail stage-stale",
      "tail stage-started",
      "tail stage-finished",
    ]);
    const both = await runToy(toy, ["tail.suffix=fin", "upper.parts=2"]);
    const stale = both.events.find((event) => event.type === "stage-stale");
    expect(stale).toMatchObject({ stage: "upper", reason: "parts changed from 3 to 2" });
    expect(Object.keys(dataOf(toy.out)).filter((name) => name.startsWith("tail/"))).toEqual([
      "tail/tail-0.txt",
      "tail/tail-1.txt",
    ]);
  });

  test("a changed input is noticed although its size and name are the same", async () => {
    const toy = makeToy();
    await runToy(toy);
    const input = join(toy.dir, "in/input-1.txt");
    writeFileSync(input, readFileSync(input, "utf8").replace("line 7 ", "LINE 7 "));
    const { events } = await runToy(toy);
    expect(events).toContainEqual(
      expect.objectContaining({ type: "stage-stale", stage: "upper", reason: "the input input-1.txt changed" }),
    );
  });

  test("a missing or shortened output makes its stage anew", async () => {
    const toy = makeToy();
    await runToy(toy);
    const before = dataOf(toy.out);
    rmSync(join(toy.out, "upper/part-1.txt"));
    const missing = await runToy(toy);
    expect(missing.events).toContainEqual(
      expect.objectContaining({ type: "stage-stale", reason: "part-1.txt is missing" }),
    );
    // Its bytes are the same as before, so what reads them has nothing to do.
    expect(stageEvents(missing.events)).toContain("tail stage-up-to-date");
    truncateSync(join(toy.out, "tail/tail-0.txt"), 3);
    expect(stageEvents((await runToy(toy)).events)).toContain("tail stage-stale");
    expect(dataOf(toy.out)).toEqual(before);
  });

  test("changed bytes of the same size are found with verify, and only then", async () => {
    const toy = makeToy();
    await runToy(toy);
    const path = join(toy.out, "tail/tail-0.txt");
    writeFileSync(path, readFileSync(path, "utf8").replace("LINE", "LIME"));
    expect((await runToy(toy)).upToDate).toBe(true);
    const { events } = await runToy(toy, [], { verify: true });
    expect(events).toContainEqual(
      expect.objectContaining({ type: "stage-stale", reason: "tail-0.txt has other bytes than were written" }),
    );
  });

  test("leaves a folder alone that is not its own", async () => {
    const toy = makeToy();
    await runToy(toy);
    rmSync(join(toy.out, "tail/stage.json"));
    rmSync(join(toy.out, "tail/journal.jsonl"));
    await expect(runToy(toy)).rejects.toMatchObject({ code: "config-out" });
  });
});

describe("a process that governs itself", () => {
  test("goes on in its folder when only its length changes", async () => {
    const toy = makeToy("drill: { steps: 3 }\n");
    await runToy(toy);
    const { events } = await runToy(toy, ["drill.steps=5"]);
    expect(events).toContainEqual(
      expect.objectContaining({ type: "stage-stale", action: "going on from what is there" }),
    );
    expect(events.find((event) => event.type === "progress")).toMatchObject({ progress: { done: 3, resumed: 3 } });
    expect(dataOf(toy.out)).toEqual({ "drill/model.txt": "5 at 1\n", "drill/state.txt": "5" });
  });

  test("starts anew when anything else changes, and its last result is kept beside it", async () => {
    const toy = makeToy("drill: { steps: 3 }\n");
    await runToy(toy);
    await runToy(toy, ["drill.rate=2"]);
    expect(dataOf(toy.out)).toMatchObject({ "drill/model.txt": "3 at 2\n", "drill.previous/model.txt": "3 at 1\n" });
  });

  test("loses no earlier result, however often it starts anew", async () => {
    const toy = makeToy("drill: { steps: 3 }\n");
    for (const rate of [1, 2, 1]) await runToy(toy, [`drill.rate=${rate}`]);
    expect(dataOf(toy.out)).toMatchObject({
      "drill/model.txt": "3 at 1\n",
      "drill.previous/model.txt": "3 at 1\n",
      "drill.previous-2/model.txt": "3 at 2\n",
    });
  });

  test("is refused, not started anew, when it was to go on", async () => {
    const toy = makeToy("drill: { steps: 3 }\n");
    await runToy(toy);
    const before = dataOf(toy.out);
    await expect(runToy(toy, ["drill.rate=2"], { resume: true })).rejects.toMatchObject({
      code: "config-out",
      message: expect.stringContaining("rate changed from 1 to 2"),
    });
    expect(dataOf(toy.out)).toEqual(before);
    expect((await runToy(toy, ["drill.steps=5"], { resume: true })).upToDate).toBe(false);
  });

  test("goes on from what is whole when an output is damaged", async () => {
    const toy = makeToy("drill: { steps: 3 }\n");
    await runToy(toy);
    rmSync(join(toy.out, "drill/model.txt"));
    const { events } = await runToy(toy);
    expect(events).toContainEqual(
      expect.objectContaining({ type: "stage-stale", action: "going on from what is there" }),
    );
    expect(dataOf(toy.out)).toEqual({ "drill/model.txt": "3 at 1\n", "drill/state.txt": "3" });
  });
});
