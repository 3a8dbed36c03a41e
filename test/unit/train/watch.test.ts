// Who is to blame, from pages alone.
import { describe, expect, test } from "vitest";
import type { RankState, StatusPage, StatusRow } from "#src/formats/status-page.js";
import { type Verdict, Watch } from "#src/train/watch.js";

const LIMITS = { stillMs: 8_000, setupMs: 600_000, loopMs: 180_000 };
const LOOK_MS = 250;

interface Behaviour {
  readonly state: RankState;
  readonly ticks?: boolean;
  readonly collective?: number;
  readonly operation?: string;
  /** A step a look; else all looks are in step 12. */
  readonly steps?: boolean;
}

function row(behaviour: Behaviour, look: number): StatusRow {
  const { state, ticks = false, collective = 0, operation = "an op", steps = false } = behaviour;
  return { state, ticks: BigInt(ticks ? look : 1), collective, step: steps ? look : 12, operation };
}

/** Looks every 250 ms until there is a verdict or `forMs` have passed. */
function watch(
  ranks: readonly Behaviour[],
  host: Behaviour,
  forMs = 20_000,
  elapsedMs = LOOK_MS,
  isStopped = false,
): { verdict: Verdict | undefined; afterMs: number } {
  const watching = new Watch(LIMITS);
  for (let look = 0; look * elapsedMs < forMs; look++) {
    const page: StatusPage = { processId: 42, ranks: ranks.map((rank) => row(rank, look)), host: row(host, look) };
    const verdict = watching.observe(page, elapsedMs, isStopped);
    if (verdict !== undefined) return { verdict, afterMs: look * elapsedMs };
  }
  return { verdict: undefined, afterMs: forMs };
}

const ticking: Behaviour = { state: "computing", ticks: true, operation: "step" };

describe("the watch", () => {
  test("names the rank that stands still, its operation, and who waits for it, within 10 s", () => {
    const frozen: Behaviour = { state: "computing", operation: "layer 3 mlp g forward" };
    const waiting: Behaviour = { state: "waiting", collective: 812, ticks: true };
    const { verdict, afterMs } = watch([waiting, frozen], ticking);
    expect(verdict).toEqual({
      code: "train-rank-hung",
      message:
        "rank 1 has not moved for 8.3 s in 'layer 3 mlp g forward' (step 12); rank 0 waits for it in collective 812",
    });
    expect(afterMs).toBeLessThan(10_000);
  });

  test("names a process that the system holds stopped within 10 s, though the loop may be still for long at set-up", () => {
    const settingUp: Behaviour = { state: "idle", operation: "reading a checkpoint" };
    const idle: Behaviour = { state: "idle", operation: "" };
    expect(watch([idle, idle], settingUp).verdict).toBeUndefined();
    const { verdict, afterMs } = watch([idle, idle], settingUp, 20_000, LOOK_MS, true);
    expect(verdict?.code).toBe("train-process-stopped");
    expect(verdict?.message).toContain("in 'reading a checkpoint'");
    expect(afterMs).toBeLessThan(10_000);
  });

  test("names a stopped process also where one of its threads stood still before the others", () => {
    // The rank's last sign of life is of look 0, the loop's of look 8; then the system holds the process, or does not.
    const codeOf = (holds: boolean) => {
      const watching = new Watch(LIMITS);
      const verdicts = Array.from({ length: 50 }, (_, look) => {
        const ranks = [row({ state: "computing" }, look)];
        const page: StatusPage = { processId: 42, ranks, host: row(ticking, Math.min(look, 8)) };
        return watching.observe(page, LOOK_MS, holds && look > 8);
      });
      return verdicts.find((verdict) => verdict !== undefined)?.code;
    };
    expect(codeOf(true)).toBe("train-process-stopped");
    expect(codeOf(false)).toBe("train-rank-hung");
  });

  test("blames the rank that is behind when nobody computes, whether or not waiting ranks tick", () => {
    for (const ticks of [false, true]) {
      const waiting: Behaviour = { state: "waiting", collective: 812, ticks };
      const idle: Behaviour = { state: "idle", collective: 811, operation: "left early" };
      const { verdict } = watch([waiting, idle, waiting], ticking);
      expect(verdict?.message).toContain(
        "rank 1 is behind: idle since 8.3 s in 'left early' (step 12, collective 811)",
      );
      expect(verdict?.message).toContain("ranks 0, 2 wait for it in collective 812");
    }
  });

  test("lets ranks wait for one that works long", () => {
    const waiting: Behaviour = { state: "waiting", collective: 812 };
    expect(watch([waiting, ticking], ticking, 60_000).verdict).toBeUndefined();
  });

  test("says that the whole process stopped when nothing of it moves", () => {
    const { verdict, afterMs } = watch([{ state: "computing" }, { state: "waiting" }], {
      state: "computing",
      operation: "step",
    });
    expect(verdict?.code).toBe("train-process-stopped");
    expect(verdict?.message).toContain(
      "the training process 42 has not moved for 8.3 s: the loop was computing in 'step' (step 12), rank 0 was",
    );
    expect(afterMs).toBeLessThan(10_000);
  });

  test("names the loop when it blocks while the ranks are well, and when it waits for ever while it ticks", () => {
    const busy = watch([ticking], { state: "computing", operation: "waiting for a batch" });
    expect(busy.verdict?.message).toBe("the training loop has not moved for 8.3 s in 'waiting for a batch' (step 12)");
    const starved = watch([{ state: "idle" }], { ...ticking, operation: "waiting for a batch" }, 300_000);
    expect(starved.verdict?.code).toBe("train-loop-hung");
    expect(starved.afterMs).toBeGreaterThanOrEqual(LIMITS.loopMs);
  });

  test("lets steps go by for hours, wherever in them it looks", () => {
    // Between two steps the ranks are idle, and a look may fall there again and again.
    const rank: Behaviour = { state: "idle", ticks: true, steps: true, operation: "idle" };
    const loop: Behaviour = { ...ticking, steps: true };
    expect(watch([rank, rank], loop, 3_600_000).verdict).toBeUndefined();
    // So are they between the batches of one long measurement of the held-out loss.
    const measured: Behaviour = { ...rank, steps: false };
    expect(watch([measured, measured], { ...ticking, operation: "held-out loss" }, 3_600_000).verdict).toBeUndefined();
  });

  test("gives setup and checkpoints their time", () => {
    expect(
      watch([{ state: "idle" }], { state: "idle", operation: "creating the trainer" }, 300_000).verdict,
    ).toBeUndefined();
    expect(watch([{ state: "idle" }], { state: "idle" }, 700_000).verdict?.code).toBe("train-process-stopped");
  });

  test("does not count time in which the observer itself was stopped", () => {
    const watching = new Watch(LIMITS);
    const page = (look: number): StatusPage => ({
      processId: 42,
      ranks: [row(ticking, look)],
      host: row(ticking, look),
    });
    expect(watching.observe(page(1), LOOK_MS)).toBeUndefined();
    expect(watching.observe(page(1), 3_600_000)).toBeUndefined();
  });
});
