// Training through the stage, its child process and the native trainer: what a run leaves, and that stopping it in any way
// changes nothing in the curve.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { curveOf, makePlace, type Place, type StageRun, startTraining } from "./fixture.js";

let place: Place;

beforeAll(async () => {
  place = await makePlace();
  await startTraining(place, "whole").result;
});
afterAll(() => place.remove());

const checkpointsOf = (dir: string) => readdirSync(join(dir, "checkpoints")).sort();

async function untilStep(run: StageRun, step: number): Promise<void> {
  while (!run.progress.some(({ done }) => done >= step)) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Children of this process: the training process is the only one. */
function trainingProcess(): number {
  const list = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(process.pid)], { encoding: "utf8" }).split(
    "\n",
  );
  return Number(
    list
      .find((line) => line.includes("training-child"))!
      .trim()
      .split(/\s+/)[0],
  );
}

describe("a run", () => {
  test("learns, and leaves metrics, the newest checkpoints and its figures", async () => {
    const dir = join(place.root, "whole");
    const curve = curveOf(dir) as { step: number; loss: number; heldout_loss?: number }[];
    expect(curve.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    expect(curve.at(-1)!.loss).toBeLessThan(curve[0]!.loss - 0.5);
    expect(curve.filter(({ heldout_loss }) => heldout_loss !== undefined).map(({ step }) => step)).toEqual([5, 10, 12]);
    expect(checkpointsOf(dir)).toEqual(["step-00000008", "step-00000012"]);
    const state = JSON.parse(readFileSync(join(dir, "checkpoints", "step-00000012", "state.json"), "utf8"));
    expect(state).toMatchObject({ format: "millrace-checkpoint", version: 2, step: 12, nextSample: 48 });
  });

  test("that is complete only reports its figures again", async () => {
    const run = startTraining(place, "whole");
    const { counts, outputs } = await run.result;
    const curve = curveOf(run.dir) as { loss: number; heldout_loss?: number }[];
    expect(counts.first_loss).toBe(curve[0]!.loss);
    expect(counts.last_loss).toBeCloseTo(curve.slice(-10).reduce((sum, { loss }) => sum + loss, 0) / 10, 12);
    expect(counts.heldout_loss).toBe(curve.at(-1)!.heldout_loss);
    expect(outputs.map(({ path }) => path.slice(run.dir.length + 1))).toEqual([
      "metrics.jsonl",
      "checkpoints/step-00000012/state.json",
      "checkpoints/step-00000012/model.safetensors",
    ]);
  });
});

describe("resuming", () => {
  test("after kill -9 of the training process gives the curve of not stopping", async () => {
    // A rank that stops for ever in step 9 stops behind the copy for step 8, which waits for the checkpoint of step 4.
    process.env.MILLRACE_FAULT = "freeze:rank=0,step=9";
    const run = startTraining(place, "killed");
    await untilStep(run, 6);
    delete process.env.MILLRACE_FAULT;
    const checkpoint = join(run.dir, "checkpoints", "step-00000004");
    while (!existsSync(checkpoint)) await new Promise((resolve) => setTimeout(resolve, 5));
    process.kill(trainingProcess(), "SIGKILL");
    await expect(run.result).rejects.toMatchObject({ code: "train-process-lost" });
    expect(checkpointsOf(run.dir)).toContain("step-00000004");
    expect(checkpointsOf(run.dir)).not.toContain("step-00000012");
    await startTraining(place, "killed").result;
    expect(curveOf(run.dir)).toEqual(curveOf(join(place.root, "whole")));
  });

  test("after an interruption saves the step it was at and gives the curve of not stopping", async () => {
    // It ends by the interruption alone, wherever that finds it.
    const run = startTraining(place, "interrupted", { decaySteps: 12, steps: 1_000_000 });
    await untilStep(run, 2);
    run.abort.abort();
    await expect(run.result).rejects.toMatchObject({ code: "interrupted" });
    const [checkpoint] = checkpointsOf(run.dir).slice(-1);
    const reached = curveOf(run.dir).length;
    expect(Number(checkpoint!.slice(5))).toBe(reached);
    const longer = { decaySteps: 12, steps: reached + 3 };
    const again = startTraining(place, "interrupted", longer);
    await again.result;
    expect(again.progress[0]!.done).toBe(reached);
    const { dir, result } = startTraining(place, "uninterrupted", longer);
    await result;
    expect(curveOf(run.dir)).toEqual(curveOf(dir));
  });

  test("passes over a damaged checkpoint to the one before", async () => {
    const run = startTraining(place, "damaged", {});
    await run.result;
    truncateSync(join(run.dir, "checkpoints", "step-00000012", "model.safetensors"), 1000);
    const again = startTraining(place, "damaged", {});
    await again.result;
    expect(again.progress.map(({ message }) => message).join("\n")).toContain("step 8");
    expect(curveOf(run.dir)).toEqual(curveOf(join(place.root, "whole")));
  });

  test("on other ranks gives the curve to rounding", async () => {
    const run = startTraining(place, "ranks", { tp: 2 });
    await untilStep(run, 5);
    run.abort.abort();
    await run.result.catch(() => undefined);
    await startTraining(place, "ranks", { tp: 1 }).result;
    const losses = (dir: string) => (curveOf(dir) as { loss: number }[]).map(({ loss }) => loss);
    losses(run.dir).forEach((loss, index) => {
      expect(Math.abs(loss - losses(join(place.root, "whole"))[index]!)).toBeLessThan(1e-4);
    });
  });

  test("on 4, then 2 ranks, then 1 gives the bits of one rank all the way, when sums are made to", async () => {
    const settings = { verifyParallel: true, decaySteps: 12, dropout: 0.1 };
    await startTraining(place, "one rank", settings).result;
    await startTraining(place, "moved", { ...settings, tp: 4, steps: 4 }).result;
    await startTraining(place, "moved", { ...settings, tp: 2, steps: 8 }).result;
    await startTraining(place, "moved", settings).result;
    const dirs = ["one rank", "moved"].map((name) => join(place.root, name));
    const losses = (dir: string) => (curveOf(dir) as { loss: number }[]).map(({ loss }) => loss);
    expect(losses(dirs[1]!)).toEqual(losses(dirs[0]!));
    const [one, moved] = dirs.map((dir) =>
      readFileSync(join(dir, "checkpoints", "step-00000012", "model.safetensors")),
    );
    expect(moved!.equals(one!)).toBe(true);
  });

  test("in fp16 gives the curve of not stopping, loss scale and all", async () => {
    // The scale doubles at steps 3, 6 and 9: one that began anew at step 5 would be seen.
    const settings = { precision: "fp16", lossScale: { initial: 1024, window: 3 }, steps: 10, decaySteps: 10 };
    await startTraining(place, "half", settings).result;
    await startTraining(place, "half again", { ...settings, steps: 4 }).result;
    await startTraining(place, "half again", settings).result;
    const lines = (name: string) =>
      readFileSync(join(place.root, name, "metrics.jsonl"), "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
        .map(({ step, loss, grad_norm, lr, loss_scale }) => ({ step, loss, grad_norm, lr, loss_scale }));
    expect(lines("half again")).toEqual(lines("half"));
    expect(lines("half").map(({ loss_scale }) => loss_scale)).toEqual(
      [0, 0, 0, 1, 1, 1, 2, 2, 2, 3].map((doublings) => 1024 * 2 ** doublings),
    );
  });

  test("with another seed gives another curve: the comparison can fail", async () => {
    await startTraining(place, "seed", { seed: 5 }).result;
    expect(curveOf(join(place.root, "seed"))).not.toEqual(curveOf(join(place.root, "whole")));
  });

  test("with another configuration is refused with the difference", async () => {
    await startTraining(place, "changed", { steps: 4 }).result;
    const run = startTraining(place, "changed", { steps: 4, dropout: 0.2, learningRate: 1e-3 });
    await expect(run.result).rejects.toMatchObject({
      code: "checkpoint-mismatch",
      message: expect.stringMatching(/training\.dropout: 0\.1 -> 0\.2; training\.learningRate: 0\.003 -> 0\.001$/),
    });
  });

  test("on another data set is refused with the difference", async () => {
    const dir = join(place.root, "data");
    await startTraining(place, "data", { steps: 4 }).result;
    const path = join(dir, "checkpoints", "step-00000004", "state.json");
    const state = JSON.parse(readFileSync(path, "utf8"));
    // As the version before wrote it, without a digest of what is changed here.
    const old = { ...state, version: 1, digest: undefined };
    writeFileSync(path, JSON.stringify({ ...old, dataset: { ...state.dataset, identity: "sha256:other" } }));
    await expect(startTraining(place, "data", { steps: 4 }).result).rejects.toMatchObject({
      code: "checkpoint-mismatch",
      message: expect.stringContaining('dataset.identity: "sha256:other" -> "sha256:'),
    });
    rmSync(dir, { recursive: true });
  });
});
