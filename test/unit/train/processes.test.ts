// Ranks as processes: that they are processes changes no bit of a run, and one that dies or stands still is named.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MillraceError } from "#src/base/errors.js";
import { launchedPlace } from "#src/train/launched-here.js";
import { curveOf, makePlace, type Place, SMALL_MODEL, SMALL_TRAINING, startTraining } from "./fixture.js";
import { expectMpiInContinuousIntegration, hasMpi, MPI_ENV, MPIRUN } from "./launched.js";

const CLI = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
const RUN = {
  keepCheckpoints: 3,
  tp: 2,
  dp: 2,
  steps: 50,
  decaySteps: 50,
  dropout: 0.1,
  evalEvery: 20,
  checkpointEvery: 20,
};

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});
afterAll(() => place.remove());

expectMpiInContinuousIntegration();

const weightsOf = (dir: string, step = 50) =>
  readFileSync(join(dir, "checkpoints", `step-${String(step).padStart(8, "0")}`, "model.safetensors"));

async function train(name: string, config: object): Promise<string> {
  const { dir, result } = startTraining(place, name, { ...RUN, ...config });
  await result;
  return dir;
}

/** The processes of ranks that train in `dir`, by rank. */
function rankProcesses(): Map<number, number> {
  const found = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      if (!readFileSync(`/proc/${name}/cmdline`, "latin1").includes("training-rank.js")) continue;
      const env = readFileSync(`/proc/${name}/environ`, "latin1").split("\0");
      if (!env.includes(`TMPDIR=${place.root}`)) continue;
      const rank = env.find((entry) => entry.startsWith("OMPI_COMM_WORLD_RANK="))?.split("=")[1];
      if (rank !== undefined) found.set(Number(rank), Number(name));
    } catch {
      // It has ended since, or is somebody else's.
    }
  }
  return found;
}

describe.skipIf(!hasMpi)("ranks that mpirun starts", () => {
  let threads: string;
  beforeAll(async () => {
    threads = await train("threads", {});
  });

  test("have the metrics and the checkpoints of threads, byte for byte", async () => {
    const processes = await train("processes", { launch: MPIRUN });
    expect(curveOf(processes)).toEqual(curveOf(threads));
    expect(curveOf(processes)).toHaveLength(50);
    for (const step of [20, 40, 50]) expect(weightsOf(processes, step).equals(weightsOf(threads, step))).toBe(true);
  });

  test("have other bits in another layout", async () => {
    const other = await train("other", { tp: 4, dp: 1, steps: 20, launch: MPIRUN });
    expect(weightsOf(other, 20).equals(weightsOf(threads, 20))).toBe(false);
  });

  test("stop when they are asked to, all after the same step; threads go on from that, and they from threads", async () => {
    const run = { evalEvery: 0, checkpointEvery: 0 };
    const stopped = startTraining(place, "stopped", { ...RUN, ...run, steps: 100_000, launch: MPIRUN });
    const asked = setInterval(() => (stopped.progress.at(-1)?.done ?? 0) > 4 && stopped.abort.abort(), 5);
    await expect(stopped.result).rejects.toMatchObject({ code: "interrupted" });
    clearInterval(asked);
    const reached = curveOf(stopped.dir).length;
    await train("stopped", { ...run, steps: reached + 5 });
    await train("stopped", { ...run, steps: reached + 10, launch: MPIRUN });
    const whole = await train("whole", { ...run, steps: reached + 10 });
    const steps = (dir: string) => curveOf(dir).map((line) => ({ ...(line as object), heldout_loss: undefined }));
    expect(steps(stopped.dir)).toEqual(steps(whole));
    expect(weightsOf(stopped.dir, reached + 10).equals(weightsOf(whole, reached + 10))).toBe(true);
  });

  test("are those of the command that mpirun starts itself, once a rank", () => {
    writeFileSync(join(place.root, "model.json"), JSON.stringify(SMALL_MODEL));
    const { microBatch, globalBatch, learningRate } = SMALL_TRAINING;
    const options = `--tp 2 --dp 2 --steps 50 --dropout 0.1 --eval-every 20 --checkpoint-every 20 --threads 2
      --micro-batch ${microBatch} --global-batch ${globalBatch} --lr ${learningRate} --set train.minLearningRate=1e-4
      --set train.warmupSteps=2 --set train.decaySteps=50 --set train.evalTokens=512`.split(/\s+/);
    const command = [CLI, "train", ...options, "--shards", "shards", "--model", "model.json", "--out", "direct"];
    const start = (numRanks: number, args: readonly string[]) =>
      spawnSync("mpirun", ["--oversubscribe", "-n", String(numRanks), process.execPath, ...args], {
        cwd: place.root,
        encoding: "utf8",
        env: { ...process.env, ...MPI_ENV },
      });
    const first = start(4, command);
    expect(first.status, first.stderr).toBe(0);
    expect(first.stdout.match(/last loss/g)).toHaveLength(1);
    const direct = join(place.root, "direct");
    expect(curveOf(direct)).toEqual(curveOf(threads));
    expect(weightsOf(direct).equals(weightsOf(threads))).toBe(true);
    // Nothing is left to train: the others are let go.
    expect(start(4, command)).toMatchObject({ status: 0 });
    const wrong = start(2, command.with(-1, "wrong"));
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain("expected tp * dp = 2, the number of launched processes, got 4");
  });
});

describe.skipIf(!hasMpi)("the supervisor of processes", () => {
  const LONG = { ...RUN, steps: 1_000_000, decaySteps: 1_000_000, evalEvery: 0, checkpointEvery: 0, launch: MPIRUN };

  /** Trains until `step` is done, sends a rank's process a signal and waits for the error. */
  async function fail(
    name: string,
    rank: number,
    signal: NodeJS.Signals,
    victim = (pid: number) => pid,
  ): Promise<MillraceError> {
    const temporary = process.env.TMPDIR;
    process.env.TMPDIR = place.root;
    const run = startTraining(place, name, LONG);
    const pull = setInterval(() => {
      if ((run.progress.at(-1)?.done ?? 0) < 3) return;
      clearInterval(pull);
      process.kill(victim(rankProcesses().get(rank)!), signal);
    }, 10);
    try {
      await run.result;
    } catch (error) {
      return error as MillraceError;
    } finally {
      clearInterval(pull);
      if (temporary === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = temporary;
    }
    throw new Error("expected the training to fail");
  }

  // They have work for days: none ends of itself.
  const allGone = () => expect.poll(() => rankProcesses().size, { timeout: 500_000 }).toBe(0);

  test("names the rank whose process was killed, and ends the others", async () => {
    const error = await fail("killed", 2, "SIGKILL");
    expect(error.code).toBe("train-process-lost");
    expect(error.message).toMatch(
      /^the process of rank 2 on \S+ was ended by signal 9 \(Killed\): the loop was .+, rank 2 was .+ \(step \d+\)$/,
    );
    await allGone();
  });

  test("says whose each loop was, and that it was the launcher that was killed", async () => {
    const parentOf = (pid: number) =>
      Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))![1]);
    const error = await fail("launcher", 0, "SIGKILL", parentOf);
    expect(error.code).toBe("train-process-lost");
    expect(error.message).toMatch(
      /^the launcher mpirun \(process \d+\) was ended by SIGKILL: the loop of rank 0 was .+, the loop of rank 1 was /,
    );
    await allGone();
  });

  test("names the rank whose process stands still, and who waits for it", async () => {
    const error = await fail("still", 1, "SIGSTOP");
    expect(error.code).toBe("train-process-stopped");
    expect(error.message).toMatch(
      /^rank 1: the training process \d+ has not moved for \d+\.\d s: .+, rank 1 was .+; ranks? [023, ]+ waits? for it in/,
    );
    await allGone();
  });

  test("passes on the error of the rank that failed, not its echo", async () => {
    process.env.MILLRACE_FAULT = "fail:rank=3,step=2";
    const { result } = startTraining(place, "failed", LONG);
    await expect(result).rejects.toThrow(/^rank 3, step 2 .+: MILLRACE_FAULT asked for this failure$/);
    delete process.env.MILLRACE_FAULT;
  });

  test("says what the launcher said when it started nothing", async () => {
    const { result } = startTraining(place, "no-slots", { ...LONG, launch: "mpirun --no-such-option" });
    await expect(result).rejects.toThrow(/before its first step; it said: .*no-such-option/s);
  });

  test("keeps the first and the last that the launcher said, and calls it the launcher", async () => {
    const launcher = join(place.root, "mpirun");
    writeFileSync(launcher, "#!/bin/sh\nseq -f 'line %g of a long complaint' 1000 >&2\nexit 7\n", { mode: 0o755 });
    const { result } = startTraining(place, "talkative", { ...LONG, launch: launcher });
    await expect(result).rejects.toThrow(
      /^the launcher mpirun \(process \d+\) exited with code 7: .*said: line 1 of .* \/ \.\.\. \/ .*line 1000 of a/,
    );
  });

  test.each([
    ["mpirun -n 3", "got -n (3)"],
    ["mpirun -np 3 --oversubscribe", "got -np (3)"],
    ["mpirun -c 3", "got -c (3)"],
  ])("refuses a number of processes that is not tp * dp: %s", async (launch, got) => {
    const { result } = startTraining(place, launch.replaceAll(" ", "-"), { ...LONG, launch });
    await expect(result).rejects.toThrow(`expected tp * dp = 4 processes for launch, ${got}`);
  });
});

describe("where this command was started", () => {
  test("is read from what Open MPI, PMI and a step of Slurm say", () => {
    expect(launchedPlace({ OMPI_COMM_WORLD_RANK: "2", OMPI_COMM_WORLD_SIZE: "4" })).toEqual({ rank: 2, numRanks: 4 });
    expect(launchedPlace({ PMI_RANK: "0", PMI_SIZE: "2" })).toEqual({ rank: 0, numRanks: 2 });
    expect(launchedPlace({ SLURM_PROCID: "1", SLURM_STEP_NUM_TASKS: "2" })).toEqual({ rank: 1, numRanks: 2 });
  });

  test("is nowhere special with one process, in a batch script, or without a launcher", () => {
    expect(launchedPlace({ OMPI_COMM_WORLD_RANK: "0", OMPI_COMM_WORLD_SIZE: "1" })).toBeUndefined();
    expect(launchedPlace({ SLURM_PROCID: "0", SLURM_NTASKS: "8" })).toBeUndefined();
    expect(launchedPlace({})).toBeUndefined();
  });
});

test("what is no launcher, and one that is not here, is refused", async () => {
  const missing = startTraining(place, "missing", { launch: "/nowhere/mpirun" }).result;
  await expect(missing).rejects.toThrow("expected /nowhere/mpirun on the PATH for launch, found none");
  const { result } = startTraining(place, "ssh", { launch: "ssh host" });
  await expect(result).rejects.toThrow("expected mpirun, mpiexec or srun, with options, for launch, got ssh host");
});

test("an empty launch is refused with what leaving it out means; half a quotation with how launch is split", async () => {
  await expect(startTraining(place, "empty", { launch: "" }).result).rejects.toMatchObject({
    hint: "leave launch out: the ranks are then threads of one process",
  });
  const { result } = startTraining(place, "quoted", { launch: 'mpirun --host "a b"' });
  await expect(result).rejects.toThrow('expected words without quotes for launch, got "a');
});
