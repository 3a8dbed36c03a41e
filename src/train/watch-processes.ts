// Decides, where each rank is a process with a page of its own, whether one stands still, as train/watch.ts does for ranks
// that are threads. Only pages of this machine are seen: of ranks elsewhere it is known that they are awaited, not more.
import type { StatusPage, StatusRow } from "../formats/status-page.js";
import { defaultLimits, describeWaiting, seconds, type Verdict, Watch, type WatchLimits } from "./watch.js";

/** One rank's process as it was seen last; undefined: not yet, or not from here. */
export type SeenProcess = { readonly page: StatusPage; readonly isStopped: boolean } | undefined;

export class ProcessesWatch {
  readonly #limits: WatchLimits;
  readonly #watches: readonly Watch[];
  #rows: readonly (StatusRow | undefined)[] = [];
  #waitedMs = 0;

  constructor(numRanks: number, limits: WatchLimits = defaultLimits) {
    this.#limits = limits;
    this.#watches = Array.from({ length: numRanks }, (_, rank) => new Watch(limits, rank));
  }

  observe(seen: readonly SeenProcess[], elapsedMs: number): Verdict | undefined {
    const rows = seen.map((process) => process?.page.ranks[0]);
    for (const [rank, watch] of this.#watches.entries()) {
      const process = seen[rank];
      const verdict = process && watch.observe(process.page, elapsedMs, process.isStopped);
      if (verdict !== undefined)
        return { ...verdict, message: `${name(rank, verdict)}${describeWaiting(waitingRanks(rows, rank))}` };
    }
    return this.#stuckCollective(rows, elapsedMs);
  }

  /** All that are seen wait and go nowhere. One that is not seen may be at something that takes time. */
  #stuckCollective(rows: readonly (StatusRow | undefined)[], elapsedMs: number): Verdict | undefined {
    const before = this.#rows;
    this.#rows = rows;
    const waiting = rows.flatMap((row, rank) => (row?.state === "waiting" ? [{ rank, row }] : []));
    const isStill = rows.every((row, rank) => {
      const last = before[rank];
      if (row === undefined || last === undefined) return row === last;
      return row.state === "waiting" && row.collective === last.collective && row.operation === last.operation;
    });
    this.#waitedMs = isStill && waiting.length > 0 ? this.#waitedMs + elapsedMs : 0;
    const seesAll = waiting.length === this.#watches.length;
    if (this.#waitedMs <= (seesAll ? this.#limits.stillMs : this.#limits.loopMs)) return undefined;
    const { row } = waiting[0]!;
    const furthest = Math.max(...waiting.map((one) => one.row.collective));
    const behind = waiting.find((one) => one.row.collective < furthest);
    const whose = seesAll
      ? "all ranks have"
      : `ranks ${waiting.map(({ rank }) => rank).join(", ")}, which run here, have`;
    return {
      code: "train-rank-hung",
      message:
        behind === undefined
          ? `${whose} waited for ${seconds(this.#waitedMs)} in collective ${furthest} '${row.operation}' (step ${row.step})`
          : `rank ${behind.rank} is behind: waiting since ${seconds(this.#waitedMs)} in '${behind.row.operation}' ` +
            `(step ${behind.row.step}, collective ${behind.row.collective}), others are in collective ${furthest}`,
    };
  }
}

function name(rank: number, { message }: Verdict): string {
  return message.startsWith("rank ") ? message : `rank ${rank}: ${message}`;
}

function waitingRanks(rows: readonly (StatusRow | undefined)[], culprit: number): { rank: number; row: StatusRow }[] {
  return rows.flatMap((row, rank) => (rank !== culprit && row?.state === "waiting" ? [{ rank, row }] : []));
}
