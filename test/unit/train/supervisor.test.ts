// A training process that dies, freezes or is stopped is named; one whose parent dies does not outlive it. How soon is a law
// of the watch, whose time is what it sees pass (watch.test.ts): here is no clock.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MillraceError } from "#src/base/errors.js";
import { resolveTraining, trainSchema } from "#src/train/config.js";
import type { TrainJob, TrainMessage, TrainOutcome } from "#src/train/loop.js";
import { supervise } from "#src/train/supervisor.js";
import { makePlace, type Place, SMALL_TRAINING, TRAINING_CHILD } from "./fixture.js";

const CHILD = new URL("../../../dist/run/training-child.js", import.meta.url);
const LONG = { steps: 1_000_000, checkpointEvery: 0, evalEvery: 0 };

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});
afterAll(() => place.remove());

/** A fault is the child's through its environment, which is this process's while it starts: one starts at a time. */
let starting: Promise<void> = Promise.resolve();

interface Trigger {
  /** Pulled once this step is done. */
  readonly step: number;
  readonly pull?: (pid: number) => void;
  /** MILLRACE_FAULT of the child. */
  readonly fault?: string;
}

/** Promise.withResolvers, which Node 20 lacks. */
function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Trains until the trigger is pulled and waits for the end. */
async function fail(name: string, trigger: Trigger): Promise<MillraceError> {
  const dir = join(place.root, name);
  mkdirSync(dir);
  const { training, run } = await resolveTraining(trainSchema.parse({ ...SMALL_TRAINING, ...LONG, tp: 2 }));
  const statusPath = join(dir, "status.page");
  const job: TrainJob = { kind: "train", dir, manifest: place.manifest.path, statusPath, training, run };
  let pid = 0;
  let isPulled = false;
  const pull = (reached: number) => {
    if (isPulled || reached < trigger.step) return;
    isPulled = true;
    trigger.pull?.(pid);
  };
  const before = starting;
  const started = deferred();
  starting = started.promise;
  await before;
  if (trigger.fault !== undefined) process.env.MILLRACE_FAULT = trigger.fault;
  try {
    await supervise<TrainJob, TrainMessage, TrainOutcome>({
      module: CHILD,
      job,
      statusPath,
      signal: new AbortController().signal,
      onStart: (number) => {
        pid = number!;
        delete process.env.MILLRACE_FAULT;
        started.resolve();
      },
      onMessage: (message) => {
        if (message.type === "step") pull(message.line.step);
      },
      hint: () => "try again",
    });
  } catch (error) {
    return error as MillraceError;
  }
  throw new Error("expected the training to fail");
}

describe("the supervisor", () => {
  test.concurrent("names a frozen rank, its operation and who waits for it", async () => {
    const error = await fail("frozen", { step: 2, fault: "freeze:rank=1,step=3" });
    expect(error.code).toBe("train-rank-hung");
    expect(error.message).toMatch(
      /^rank 1 has not moved for [89]\.\d s in '.+' \(step 3\); rank 0 waits for it in collective \d+$/,
    );
  });

  test.concurrent("names a stopped process and where its ranks were", async () => {
    const error = await fail("stopped", { step: 3, pull: (pid) => process.kill(pid, "SIGSTOP") });
    expect(error.code).toBe("train-process-stopped");
    expect(error.message).toMatch(
      /^the training process \d+ has not moved for \d+\.\d s: the loop was .+, rank 0 was .+, rank 1 was .+$/,
    );
  });

  test.concurrent("names a killed process, the signal and where its ranks were", async () => {
    const error = await fail("killed", { step: 3, pull: (pid) => process.kill(pid, "SIGKILL") });
    expect(error.code).toBe("train-process-lost");
    expect(error.message).toMatch(
      /^the training process \d+ was ended by SIGKILL: the loop was .+ \(step \d+\), rank 0 was .+, rank 1 was/,
    );
    expect(error.hint).toBe("try again");
  });

  test.concurrent("passes on the error of a rank that fails, without waiting", async () => {
    const error = await fail("failed", { step: 1, fault: "fail:rank=0,step=2" });
    // The watch, had it been waited for, would have said that it has not moved.
    expect(error.message).toMatch(/^rank 0, step 2.*: MILLRACE_FAULT asked for this failure$/);
  });

  test.concurrent("does not outlive its parent", async () => {
    const dir = join(place.root, "orphan");
    mkdirSync(join(dir, ".work"), { recursive: true });
    const script = join(place.root, "parent.mjs");
    const stage = fileURLToPath(new URL("../../../dist/train/index.js", import.meta.url));
    const config = { ...SMALL_TRAINING, ...LONG };
    writeFileSync(
      script,
      `import { createTrainStage } from ${JSON.stringify(stage)};
const trainStage = createTrainStage(new URL(${JSON.stringify(TRAINING_CHILD.href)}));
const config = trainStage.schema.parse(${JSON.stringify(config)});
const context = { dir: ${JSON.stringify(dir)}, workDir: ${JSON.stringify(join(dir, ".work"))}, config, inputs: [${JSON.stringify(place.manifest)}] };
await trainStage.phases[0].run(context, ({ done }) => console.log(done), new AbortController().signal);
`,
    );
    // Without the fault of another test, whose child may be starting.
    const env = { ...process.env, MILLRACE_FAULT: "" };
    const parent = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"], env });
    await new Promise((resolve) =>
      parent.stdout.on("data", (text) => Number(String(text).trim().split("\n").at(-1)) > 0 && resolve(undefined)),
    );
    const child = Number(execFileSync("ps", ["-o", "pid=", "--ppid", String(parent.pid)], { encoding: "utf8" }).trim());
    expect(child).toBeGreaterThan(0);
    parent.kill("SIGKILL");
    const isAlive = () => {
      try {
        process.kill(child, 0);
        return true;
      } catch {
        return false;
      }
    };
    // It has work for days, so that it ends is because of its parent.
    while (isAlive()) await new Promise((resolve) => setTimeout(resolve, 20));
  });
});
