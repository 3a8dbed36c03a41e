// Training batches from a ring that a worker thread fills ahead. Batch k holds the samples from firstSample + k * globalBatch
// on, whatever the depth of the ring. Every wait has a deadline, and its error says who holds what.
import { fromWireError, invariant, MillraceError } from "../base/errors.js";
import { Piscina } from "../base/pool.js";
import type { Batch, BatchOptions, BatchSource } from "../records/batch.js";
import type { FillReply, FillRequest } from "./fill-worker.js";
import type { GatherPlan } from "./gather.js";
import { Ring } from "./ring.js";
import { WaitStatistics, type WaitSummary } from "./wait-statistics.js";

export interface LoaderOptions extends BatchOptions {
  /** Slots of the ring: one in use, the others filled ahead. */
  readonly depth?: number | undefined;
  /** Longest wait for a batch, or for a slot to be given back. */
  readonly deadlineMs?: number | undefined;
}

const DEFAULT_DEPTH = 3;
const DEFAULT_DEADLINE_MS = 120_000;
/** A fill takes milliseconds; one that does not end by then is cut off. */
const CLOSE_TIMEOUT_MS = 10_000;

/** A promise and what settles it. */
interface Signal {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: Error): void;
}

function makeSignal(): Signal {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  return { promise, resolve, reject };
}

/** What a slot is about: the batch that it holds or will hold. */
interface SlotWork {
  readonly batch: number;
  readonly since: number;
  /** Settles when the slot is filled. */
  readonly filled: Promise<void>;
}

export class Loader implements BatchSource {
  readonly #options: LoaderOptions;
  readonly #plan: GatherPlan;
  readonly #ring: Ring;
  readonly #pool: Piscina<FillRequest, FillReply>;
  readonly #slots: SlotWork[] = [];
  readonly #deadlineMs: number;
  readonly #waits = new WaitStatistics();
  /** Resolved by each release. */
  #released = makeSignal();
  #next = 0;
  #waiting = false;
  #closed = false;

  constructor(sources: GatherPlan["sources"], options: LoaderOptions) {
    const { sequenceLength, globalBatch, seed, depth = DEFAULT_DEPTH, deadlineMs = DEFAULT_DEADLINE_MS } = options;
    for (const [name, value] of Object.entries({ sequenceLength, globalBatch, depth, deadlineMs })) {
      if (!Number.isSafeInteger(value) || value < 1) {
        throw new MillraceError("config-loader", `expected a whole number from 1 for ${name}, got ${value}`);
      }
    }
    if (!Number.isSafeInteger(options.firstSample) || options.firstSample < 0) {
      throw new MillraceError(
        "config-loader",
        `expected a whole number from 0 for firstSample, got ${options.firstSample}`,
      );
    }
    this.#options = options;
    this.#plan = { sources, sequenceLength, seed };
    this.#ring = new Ring({ depth, rows: globalBatch, width: sequenceLength + 1 });
    this.#deadlineMs = deadlineMs;
    this.#pool = new Piscina<FillRequest, FillReply>({
      filename: new URL("./fill-worker.js", import.meta.url).href,
      minThreads: 1,
      maxThreads: 1,
      closeTimeout: CLOSE_TIMEOUT_MS,
    });
    for (let slot = 0; slot < depth; slot++) this.#fill(slot, slot);
  }

  /** Waits of `next` until now. */
  stats(): WaitSummary {
    return this.#waits.summary();
  }

  async next(): Promise<Batch> {
    invariant(!this.#waiting, "expected one call of next() at a time, got two");
    invariant(!this.#closed, "expected an open loader, got a closed one");
    this.#waiting = true;
    const start = performance.now();
    try {
      const batch = this.#next;
      const slot = batch % this.#ring.shape.depth;
      while (this.#slots[slot]!.batch !== batch) await this.#before(start, batch, this.#released.promise);
      await this.#before(start, batch, this.#slots[slot]!.filled);
      this.#ring.move(slot, "filled", "in use");
      this.#slots[slot] = { ...this.#slots[slot]!, since: performance.now() };
      this.#next += 1;
      return {
        tokens: this.#ring.tokens(slot),
        samples: this.#ring.samples(slot),
        release: this.#releaser(slot, batch),
      };
    } finally {
      this.#waiting = false;
      this.#waits.add(performance.now() - start);
    }
  }

  /** Ends the worker when the fill it is at has ended. Batches still in use keep their memory. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#pool.close({ force: true });
  }

  #releaser(slot: number, batch: number): () => void {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#ring.move(slot, "in use", "free");
      if (!this.#closed) this.#fill(slot, batch + this.#ring.shape.depth);
      this.#released.resolve();
      this.#released = makeSignal();
    };
  }

  #fill(slot: number, batch: number): void {
    const { firstSample, globalBatch } = this.#options;
    const request: FillRequest = {
      plan: this.#plan,
      shape: this.#ring.shape,
      buffer: this.#ring.buffer,
      slot,
      firstSample: firstSample + batch * globalBatch,
    };
    const filled = this.#pool.run(request).then(
      ({ error }) => {
        if (error !== undefined) throw fromWireError(error);
      },
      (cause) => {
        throw new MillraceError(
          "loader-worker",
          `expected batch ${batch} from the loader's worker, got: ${(cause as Error).message}`,
          { cause },
        );
      },
    );
    // Its failure is told by the next() that waits for it, which may come later or, after close, never.
    filled.catch(() => undefined);
    this.#slots[slot] = { batch, since: performance.now(), filled };
  }

  /** Awaits `event`, at most until the deadline of a wait for `batch` that began at `start`. */
  async #before(start: number, batch: number, event: Promise<void>): Promise<void> {
    const expired = makeSignal();
    const timer = setTimeout(() => expired.reject(this.#overdue(batch)), start + this.#deadlineMs - performance.now());
    try {
      await Promise.race([event, expired.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #overdue(batch: number): MillraceError {
    const now = performance.now();
    const holders = this.#slots.map((work, slot) => {
      const seconds = ((now - work.since) / 1000).toFixed(1);
      const state = this.#ring.state(slot);
      if (state === "free") return `slot ${slot} is with the worker for batch ${work.batch} since ${seconds} s`;
      if (state === "filled") return `slot ${slot} is filled with batch ${work.batch}`;
      return `slot ${slot} is in use with batch ${work.batch} since ${seconds} s`;
    });
    const message = `expected batch ${batch} within ${this.#deadlineMs / 1000} s, got none: ${holders.join("; ")}`;
    return new MillraceError("loader-timeout", message, {
      hint: "a batch in use must be released before its slot is filled again",
    });
  }
}
