// Draws a run on stderr: one redrawn line on a terminal, plain lines now and then elsewhere. Results go to stdout, by others.

import type { PhaseProgress, RunEvent } from "../run/events.js";
import { formatBytes, formatSeconds, ProgressMeter } from "../run/progress.js";

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 10_000;

export class Terminal {
  readonly #out: NodeJS.WriteStream;
  readonly #isTerminal: boolean;
  readonly #color: boolean;
  readonly #meter = new ProgressMeter();
  #lastMs = 0;
  #drawn = false;
  #phase = "";

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
    this.#isTerminal = out.isTTY === true && process.env.TERM !== "dumb";
    this.#color = this.#isTerminal && (process.env.NO_COLOR ?? "") === "";
  }

  handle(event: RunEvent): void {
    if (event.type === "progress") this.#progress(event.progress);
    else this.line(this.#sentence(event));
  }

  #sentence(event: Exclude<RunEvent, { type: "progress" }>): string {
    if (event.type === "run-started") {
      return `${this.#bold(event.name)}: ${event.stages.join(" -> ")}; results go to ${event.out}`;
    }
    const stage = this.#bold(event.stage);
    switch (event.type) {
      case "stage-started": {
        const resumed =
          event.resumedTasks === 0 ? "" : `, going on after ${count(event.resumedTasks, "finished task")}`;
        return `${stage}: ${count(event.inputs, "input file")}, ${formatBytes(event.sizeBytes)}${resumed}`;
      }
      case "stage-stale":
        return `${stage}: ${event.reason}; ${event.action}`;
      case "note":
        return `${stage}: ${event.text}`;
      case "stage-up-to-date":
        return `${stage}: up to date`;
      case "stage-finished":
        return `${stage}: done in ${formatSeconds(event.seconds)}${countsText(event.counts)}`;
    }
  }

  /** A line that stays. */
  line(text: string): void {
    this.clear();
    this.#out.write(`${text}\n`);
  }

  /** Takes the redrawn line away. */
  clear(): void {
    if (!this.#drawn) return;
    this.#out.write("\r\x1b[2K");
    this.#drawn = false;
  }

  #progress(progress: PhaseProgress): void {
    const now = performance.now();
    // The meter sees every report, so that its clock starts with the phase.
    const { text } = this.#meter.view(progress, now);
    const phase = `${progress.stage}/${progress.phase}`;
    if (phase !== this.#phase) {
      this.#phase = phase;
      this.#lastMs = this.#isTerminal ? 0 : now;
    }
    if (now - this.#lastMs < (this.#isTerminal ? REDRAW_MS : PLAIN_LINE_MS)) return;
    this.#lastMs = now;
    if (this.#isTerminal) {
      this.#out.write(`\r\x1b[2K  ${text.slice(0, Math.max(20, (this.#out.columns || 80) - 3))}`);
      this.#drawn = true;
    } else {
      this.line(`  ${text}`);
    }
  }

  #bold(text: string): string {
    return this.#color ? `\x1b[1m${text}\x1b[22m` : text;
  }
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}

/** The figures of a stage, without zeros and without the reasons one by one. */
function countsText(counts: Readonly<Record<string, number>>): string {
  const shown = Object.entries(counts)
    .filter(([name, value]) => value !== 0 && !name.includes(".") && !name.startsWith("micros_"))
    .map(
      ([name, value]) =>
        `${name.replaceAll("_", " ")} ${Number.isInteger(value) ? value.toLocaleString("en-US") : value.toPrecision(5)}`,
    );
  return shown.length === 0 ? "" : `; ${shown.join(", ")}`;
}
