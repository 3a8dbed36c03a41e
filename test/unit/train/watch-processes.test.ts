// Which rank is to blame where each has a page of its own, from pages alone.
import { expect, test } from "vitest";
import type { RankState, StatusRow } from "#src/formats/status-page.js";
import type { Verdict } from "#src/train/watch.js";
import { ProcessesWatch, type SeenProcess } from "#src/train/watch-processes.js";

const LIMITS = { stillMs: 8_000, setupMs: 600_000, loopMs: 180_000 };
const LOOK_MS = 250;

interface Behaviour {
  readonly state: RankState;
  readonly ticks?: boolean;
  readonly collective?: number;
  readonly operation?: string;
  readonly host?: RankState;
  /** A look's number as part of the operation: a collective that says how far it is. */
  readonly tells?: boolean;
  readonly isStopped?: boolean;
}

function row(state: RankState, ticks: boolean, look: number, collective: number, operation: string): StatusRow {
  return { state, ticks: BigInt(ticks ? look : 1), collective, step: 12, operation };
}

/** Looks every 250 ms until there is a verdict or `forMs` have passed; undefined: a rank of another machine. */
function watch(ranks: readonly (Behaviour | undefined)[], forMs = 20_000): { verdict?: Verdict; afterMs: number } {
  const watching = new ProcessesWatch(ranks.length, LIMITS);
  for (let look = 0; look * LOOK_MS < forMs; look++) {
    const seen = ranks.map((rank, index): SeenProcess => {
      if (rank === undefined) return undefined;
      const { state, ticks = false, collective = 5, operation = "an op", host = "computing", tells, isStopped } = rank;
      const name = tells === true ? `${operation}, ${look} % done` : operation;
      const own = row(state, ticks, look, collective, name);
      const loop = row(host, isStopped !== true, look, 0, "step");
      return { page: { processId: 40 + index, ranks: [own], host: loop }, isStopped: isStopped === true };
    });
    const verdict = watching.observe(seen, LOOK_MS);
    if (verdict !== undefined) return { verdict, afterMs: look * LOOK_MS };
  }
  return { afterMs: forMs };
}

const computing: Behaviour = { state: "computing", ticks: true };
const waiting: Behaviour = { state: "waiting" };

test("ranks that compute, and ranks that wait for them, are well", () => {
  expect(watch([computing, waiting, waiting]).verdict).toBeUndefined();
});

test("a rank that computes and does not move is named, with those that wait", () => {
  const { verdict, afterMs } = watch([waiting, { state: "computing", operation: "layer 3 mlp" }, waiting]);
  expect(verdict?.code).toBe("train-rank-hung");
  expect(verdict?.message).toMatch(
    /^rank 1 has not moved for 8\.\d s in 'layer 3 mlp' \(step 12\); ranks 0, 2 wait for it in collective 5$/,
  );
  expect(afterMs).toBeLessThan(10_000);
});

test("a stopped process is named by its rank", () => {
  const { verdict } = watch([waiting, waiting, { state: "waiting", isStopped: true }]);
  expect(verdict).toMatchObject({ code: "train-process-stopped" });
  expect(verdict?.message).toMatch(/^rank 2: the training process 42 has not moved .+; ranks 0, 1 wait for it/);
});

test("a rank whose loop takes its time over a batch is waited for", () => {
  const { verdict, afterMs } = watch([waiting, { state: "idle" }], 300_000);
  expect(verdict).toMatchObject({ code: "train-loop-hung" });
  expect(verdict?.message).toMatch(/^rank 1: the training loop has not moved/);
  expect(afterMs).toBeGreaterThan(LIMITS.loopMs - 1);
});

test("a rank whose loop writes a checkpoint is waited for longer", () => {
  expect(watch([waiting, { state: "idle", host: "idle" }], 300_000).verdict).toBeUndefined();
});

test("ranks that all wait in one collective are stuck, and one that waits in an earlier one is named", () => {
  expect(watch([waiting, waiting]).verdict?.message).toMatch(
    /^all ranks have waited for 8\.\d s in collective 5 'an op'/,
  );
  expect(watch([waiting, { ...waiting, collective: 4 }]).verdict?.message).toMatch(
    /^rank 1 is behind: waiting since 8/,
  );
});

test("a collective that says how far it is moves", () => {
  expect(watch([{ ...waiting, tells: true }, waiting]).verdict).toBeUndefined();
});

test("ranks of other machines are given the time of a loop", () => {
  const { verdict, afterMs } = watch([waiting, undefined], 300_000);
  expect(verdict?.message).toMatch(/^ranks 0, which run here, have waited/);
  expect(afterMs).toBeGreaterThan(LIMITS.loopMs - 1);
});
