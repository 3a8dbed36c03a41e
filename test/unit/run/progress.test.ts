import { describe, expect, test } from "vitest";
import type { PhaseProgress, RunEvent } from "#src/run/events.js";
import { formatBytes, formatSeconds, ProgressMeter } from "#src/run/progress.js";
import { TaskProgress } from "#src/run/task-progress.js";

const at = (done: number, more: Partial<PhaseProgress> = {}): PhaseProgress => ({
  stage: "clean",
  phase: "blocks",
  done,
  total: 200e6,
  unit: "bytes",
  resumed: 0,
  ...more,
});

describe("progress", () => {
  test("says share, amount, rate and remaining time", () => {
    const meter = new ProgressMeter();
    expect(meter.view(at(0), 1000).text).toBe("clean/blocks  0 %  0 B of 200 MB");
    expect(meter.view(at(50e6), 6000).text).toBe("clean/blocks  25 %  50.0 MB of 200 MB  10.0 MB/s  15 s left");
    expect(meter.view(at(200e6), 21000).text).toBe("clean/blocks  100 %  200 MB of 200 MB  10.0 MB/s");
  });

  test("counts what an earlier run had done as done, not as speed", () => {
    const meter = new ProgressMeter();
    meter.view(at(100e6, { resumed: 100e6 }), 0);
    expect(meter.view(at(110e6, { resumed: 100e6 }), 10_000).text).toContain(
      "55 %  110 MB of 200 MB  1.0 MB/s  90 s left",
    );
  });

  test("starts its clock anew with each phase", () => {
    const meter = new ProgressMeter();
    meter.view(at(0), 0);
    meter.view(at(100e6), 100_000);
    meter.view(at(0, { phase: "publish" }), 100_000);
    expect(meter.view(at(100e6, { phase: "publish" }), 101_000).text).toContain("100 MB/s  1.0 s left");
  });

  test("without a total speaks of amount and rate only", () => {
    const meter = new ProgressMeter();
    meter.view(at(0, { total: undefined, unit: "tasks" }), 0);
    expect(meter.view(at(30, { total: undefined, unit: "tasks", message: "so far" }), 10_000)).toEqual({
      text: "clean/blocks  30 tasks  3 tasks/s  so far",
      fraction: undefined,
    });
  });

  test("says little before there is a rate", () => {
    const meter = new ProgressMeter();
    meter.view(at(0), 0);
    expect(meter.view(at(10), 100).text).not.toContain("left");
  });

  test("amounts and times read as a person says them", () => {
    expect([0, 999, 1000, 123_456, 17_544_751, 3.2e12].map(formatBytes)).toEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "123 kB",
      "17.5 MB",
      "3.2 TB",
    ]);
    expect([0.04, 9.94, 12, 99, 100, 359.7, 7200, 86_400].map(formatSeconds)).toEqual([
      "0.0 s",
      "9.9 s",
      "12 s",
      "99 s",
      "1 min 40 s",
      "6 min 0 s",
      "2 h 0 min",
      "24 h 0 min",
    ]);
  });
});

test("the bytes of a phase are known beforehand where no input is compressed, in letters of any case", () => {
  const totalOf = (...paths: string[]): number | undefined => {
    const events: RunEvent[] = [];
    const inputs = paths.map((path) => ({ path, sizeBytes: 100, digest: "" }));
    new TaskProgress("clean", "blocks", (async function* () {})(), inputs, "map", (event) =>
      events.push(event),
    ).report();
    const [event] = events;
    return event?.type === "progress" ? event.progress.total : undefined;
  };
  expect(totalOf("a.jsonl", "b.JSON")).toBe(200);
  for (const path of ["c.jsonl.gz", "c.JSONL.GZ", "c.txt.zst", "c.TXT.ZST"])
    expect(totalOf("a.jsonl", path)).toBe(undefined);
});
