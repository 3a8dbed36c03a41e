// Turns a phase's progress into what a person wants to know: how much, how fast, how long still. Pure: time is an argument.
import type { PhaseProgress } from "./events.js";

export interface ProgressView {
  /** "clean/blocks  62 %  41.3 MB of 66.0 MB  12.4 MB/s  2 s left" */
  readonly text: string;
  readonly fraction: number | undefined;
}

/** Below this there is too little to speak of a rate. */
const MIN_RATE_SECONDS = 0.5;

/** Follows one phase; a new stage or phase starts the clock anew. */
export class ProgressMeter {
  #phase = "";
  #startMs = 0;

  view(progress: PhaseProgress, nowMs: number): ProgressView {
    const phase = `${progress.stage}/${progress.phase}`;
    if (phase !== this.#phase) {
      this.#phase = phase;
      this.#startMs = nowMs;
    }
    const { done, total, unit, resumed, message } = progress;
    const seconds = (nowMs - this.#startMs) / 1000;
    const fresh = done - resumed;
    const rate = seconds >= MIN_RATE_SECONDS && fresh > 0 ? fresh / seconds : undefined;
    const fraction = total === undefined || total <= 0 ? undefined : Math.min(1, done / total);
    const parts = [phase];
    if (fraction !== undefined) parts.push(`${Math.floor(fraction * 100)} %`);
    parts.push(
      total === undefined ? formatAmount(done, unit) : `${formatShare(done, unit)} of ${formatAmount(total, unit)}`,
    );
    if (rate !== undefined) parts.push(`${formatAmount(rate, unit)}/s`);
    if (rate !== undefined && total !== undefined && done < total)
      parts.push(`${formatSeconds((total - done) / rate)} left`);
    if (message !== undefined) parts.push(message);
    return { text: parts.join("  "), fraction };
  }
}

export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** As formatAmount, in front of an amount that names the unit anyway. */
function formatShare(amount: number, unit: string): string {
  return unit === "bytes" ? formatBytes(amount) : formatAmount(amount, unit).split(" ")[0]!;
}

function formatAmount(amount: number, unit: string): string {
  if (unit === "bytes") return formatBytes(amount);
  const value = amount >= 100 || Number.isInteger(amount) ? String(Math.round(amount)) : amount.toFixed(1);
  return `${value} ${unit}`;
}

export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(Math.round(seconds) / 60);
  if (minutes < 100) return `${minutes} min ${Math.round(seconds) % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
