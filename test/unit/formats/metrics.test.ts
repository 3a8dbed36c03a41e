// metrics.jsonl: appended, cut back, torn.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type MetricsLine, MetricsWriter, readMetrics } from "#src/formats/metrics.js";

const root = mkdtempSync(join(tmpdir(), "millrace-metrics-"));
afterAll(() => rmSync(root, { recursive: true }));

const line = (step: number): MetricsLine => ({
  step,
  loss: 1 / step,
  grad_norm: null,
  lr: 1e-5,
  loss_scale: 1,
  tokens: 512,
  tokens_per_s: 1e3,
  step_ms: 1,
  communication_ms: 0,
  data_wait_ms: 0,
});

async function write(path: string, after: number, steps: readonly number[]): Promise<void> {
  const writer = await MetricsWriter.open(path, after);
  for (const step of steps) await writer.append(line(step));
  await writer.close();
}

describe("metrics", () => {
  test("cut back to a step and written on are those of a run that was not stopped", async () => {
    const [whole, stopped] = [join(root, "whole"), join(root, "stopped")];
    await write(whole, 0, [1, 2, 3, 4, 5]);
    await write(stopped, 0, [1, 2, 3, 4]);
    await write(stopped, 3, [4, 5]);
    expect(readFileSync(stopped, "utf8")).toBe(readFileSync(whole, "utf8"));
    await write(stopped, 0, []);
    expect(readFileSync(stopped, "utf8")).toBe("");
  });

  test("with a torn last line are read without it and written on after what is whole", async () => {
    const path = join(root, "torn");
    await write(path, 0, [1, 2]);
    appendFileSync(path, '{"step":3,"lo');
    expect((await readMetrics(path)).map(({ step }) => step)).toEqual([1, 2]);
    await write(path, 2, [3]);
    expect((await readMetrics(path)).map(({ step }) => step)).toEqual([1, 2, 3]);
  });

  test("that are damaged are refused with the line; that are missing are none", async () => {
    const path = join(root, "damaged");
    writeFileSync(path, `${JSON.stringify(line(1))}\nnonsense\n`);
    await expect(readMetrics(path)).rejects.toMatchObject({ code: "metrics-damaged", where: { line: 2 } });
    expect(await readMetrics(join(root, "missing"))).toEqual([]);
  });
});
