// Decides from successive status pages whether a training process still moves, and if not, who is to blame. Pure: what it
// knows of time is how much of it the observer saw pass.
import type { StatusPage, StatusRow } from "../formats/status-page.js";

export interface WatchLimits {
  /** A rank that computes, and the host loop, are overdue after this long without a life sign. */
  readonly stillMs: number;
  /** While the loop calls itself idle: reading and writing checkpoints and allocating may take long and block it. */
  readonly setupMs: number;
  /** One thing the loop does while all ranks wait for it, such as getting a batch. */
  readonly loopMs: number;
}

export const defaultLimits: WatchLimits = { stillMs: 8_000, setupMs: 600_000, loopMs: 180_000 };

/**
 * More than this between two looks was not observed: the observer itself was stopped (Ctrl-Z, a sleeping laptop), and
 * most likely the process with it.
 */
const MAX_OBSERVED_MS = 1_000;

/** Rows that stopped within this of the longest still one stopped together. */
const TOGETHER_MS = 1_500;

interface Track {
  row: StatusRow;
  /** Since ticks last moved. */
  stillMs: number;
  /** Since state, step, collective or operation last changed: a waiting rank may tick while it spins. */
  unchangedMs: number;
}

export interface Verdict {
  readonly code: "train-rank-hung" | "train-process-stopped" | "train-loop-hung";
  readonly message: string;
}

export class Watch {
  readonly #limits: WatchLimits;
  readonly #onlyRank: number | undefined;
  #ranks: Track[] = [];
  #host: Track | undefined;
  #stoppedMs = 0;

  /** `onlyRank`: the page is that rank's alone, whose peers have pages of their own. */
  constructor(limits: WatchLimits = defaultLimits, onlyRank?: number) {
    this.#limits = limits;
    this.#onlyRank = onlyRank;
  }

  /** `isStopped`: the system itself says that the process is stopped, whatever the loop was at. */
  observe(page: StatusPage, elapsedMs: number, isStopped = false): Verdict | undefined {
    const seen = Math.min(elapsedMs, MAX_OBSERVED_MS);
    this.#stoppedMs = isStopped ? this.#stoppedMs + seen : 0;
    this.#ranks = page.ranks.map((row, rank) => advance(this.#ranks[rank], row, seen));
    this.#host = advance(this.#host, page.host, seen);
    return (
      this.#stoppedProcess(page, this.#host) ??
      this.#frozenRank() ??
      this.#stuckCollective() ??
      this.#stuckLoop(this.#host)
    );
  }

  #limitOf({ row }: Track): number {
    return row.state === "idle" ? this.#limits.setupMs : this.#limits.stillMs;
  }

  /** Nothing at all moves: SIGSTOP, or a machine that gives the process no time. */
  #stoppedProcess(page: StatusPage, host: Track): Verdict | undefined {
    const rows = [host, ...this.#ranks.filter(({ row }) => row.state !== "idle")];
    const longest = Math.max(...rows.map(({ stillMs }) => stillMs));
    const overdue =
      this.#stoppedMs > this.#limits.stillMs || rows.some((track) => track.stillMs > this.#limitOf(track));
    // What the system says needs no guess: on a busy machine one thread may have stood still long before the others.
    const isStopped = this.#stoppedMs > 0 || rows.every(({ stillMs }) => stillMs >= longest - TOGETHER_MS);
    if (!overdue || !isStopped) return undefined;
    return {
      code: "train-process-stopped",
      message: `the training process ${page.processId} has not moved for ${seconds(Math.max(longest, this.#stoppedMs))}: ${describePlaces(page, this.#onlyRank)}`,
    };
  }

  #frozenRank(): Verdict | undefined {
    const frozen = this.#ranks.findIndex(
      ({ row, stillMs }) => row.state === "computing" && stillMs > this.#limits.stillMs,
    );
    if (frozen < 0) return undefined;
    const { row, stillMs } = this.#ranks[frozen]!;
    return {
      code: "train-rank-hung",
      message: `rank ${this.#onlyRank ?? frozen} has not moved for ${seconds(stillMs)} in '${row.operation}' (step ${row.step})${this.#describeWaiting(frozen)}`,
    };
  }

  /** Ranks wait, and nobody computes on whom they could be waiting. */
  #stuckCollective(): Verdict | undefined {
    if (this.#onlyRank !== undefined) return undefined;
    const waiting = this.#ranks.filter(({ row }) => row.state === "waiting");
    const longest = Math.max(0, ...waiting.map(({ unchangedMs }) => unchangedMs));
    if (longest <= this.#limits.stillMs || this.#ranks.some(({ row }) => row.state === "computing")) return undefined;
    const furthest = Math.max(...waiting.map(({ row }) => row.collective));
    const behind = this.#ranks.findIndex(({ row }) => row.state !== "waiting" || row.collective < furthest);
    if (behind < 0) {
      return {
        code: "train-rank-hung",
        message: `all ranks have waited for ${seconds(longest)} in collective ${furthest} '${waiting[0]!.row.operation}' (step ${waiting[0]!.row.step})`,
      };
    }
    const { row } = this.#ranks[behind]!;
    return {
      code: "train-rank-hung",
      message:
        `rank ${behind} is behind: ${row.state} since ${seconds(this.#ranks[behind]!.unchangedMs)} in '${row.operation}' ` +
        `(step ${row.step}, collective ${row.collective})${this.#describeWaiting(behind)}`,
    };
  }

  /**
   * The ranks may be well: nobody hands them work. The loop ticks from a timer, so it may tick and still be waiting. Looks
   * are far apart: they may find the loop in 'step' and the ranks idle time and again while thousands of steps go by, so
   * the ranks must have done nothing in all that time.
   */
  #stuckLoop(host: Track): Verdict | undefined {
    if (host.row.state === "idle") return undefined;
    const starved =
      host.unchangedMs > this.#limits.loopMs &&
      this.#ranks.every(({ row, stillMs }) => row.state === "idle" && stillMs > this.#limits.loopMs);
    if (host.stillMs <= this.#limits.stillMs && !starved) return undefined;
    const since = seconds(starved ? host.unchangedMs : host.stillMs);
    return {
      code: "train-loop-hung",
      message: `the training loop has not moved for ${since} in '${host.row.operation}' (step ${host.row.step})`,
    };
  }

  #describeWaiting(culprit: number): string {
    return describeWaiting(
      this.#ranks.flatMap(({ row }, rank) => (rank !== culprit && row.state === "waiting" ? [{ rank, row }] : [])),
    );
  }
}

/** Who waits for a rank that is to blame; "" when nobody does. */
export function describeWaiting(waiting: readonly { readonly rank: number; readonly row: StatusRow }[]): string {
  if (waiting.length === 0) return "";
  const names = waiting.map(({ rank }) => rank).join(", ");
  const verb = waiting.length === 1 ? `rank ${names} waits` : `ranks ${names} wait`;
  return `; ${verb} for it in collective ${Math.max(...waiting.map(({ row }) => row.collective))}`;
}

function advance(before: Track | undefined, row: StatusRow, seenMs: number): Track {
  if (before === undefined) return { row, stillMs: 0, unchangedMs: 0 };
  const same =
    before.row.state === row.state &&
    before.row.step === row.step &&
    before.row.collective === row.collective &&
    before.row.operation === row.operation;
  return {
    row,
    stillMs: same && before.row.ticks === row.ticks ? before.stillMs + seenMs : 0,
    unchangedMs: same ? before.unchangedMs + seenMs : 0,
  };
}

/** Where everyone was, for the message about a process that is gone; `firstRank`: that of the page's first row. */
export function describePlaces(page: StatusPage, firstRank = 0, loop = "the loop"): string {
  const place = (name: string, row: StatusRow) => `${name} ${row.state} in '${row.operation}' (step ${row.step})`;
  return [
    place(`${loop} was`, page.host),
    ...page.ranks.map((row, index) => place(`rank ${firstRank + index} was`, row)),
  ].join(", ");
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
