// metrics.jsonl: a line a step, appended and flushed as training goes. Not data: times differ from run to run.
// docs/formats/metrics.md
import { type FileHandle, open, readFile, truncate } from "node:fs/promises";
import { invalid } from "../base/errors.js";

export interface MetricsLine {
  readonly step: number;
  /** Mean over the counted tokens of the global batch, nats; null where it is not a finite number. */
  readonly loss: number | null;
  /** Global norm before clipping. */
  readonly grad_norm: number | null;
  readonly lr: number;
  readonly loss_scale: number;
  /** Counted tokens of this step. */
  readonly tokens: number;
  /** Over the step and the wait for its batch. */
  readonly tokens_per_s: number;
  readonly step_ms: number;
  /** Of rank 0, inside step_ms. */
  readonly communication_ms: number;
  readonly data_wait_ms: number;
  /** Present, and true, where a non-finite gradient kept the step from updating anything. */
  readonly skipped?: true;
  /** Of a skipped step: operation, layer, tensor and rank where the first value that was not finite stood. */
  readonly overflow?: string;
  /** Present where the state was copied for a checkpoint after this step: how long training stood still for it. */
  readonly checkpoint_ms?: number;
  /** Present where it was measured after this step. */
  readonly heldout_loss?: number | null;
}

/** The lines of a file; a torn last line (a crash while writing) is left out, a missing file is empty. */
export async function readMetrics(path: string): Promise<MetricsLine[]> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return lines.flatMap((line, index) => (line === "" ? [] : [parseLine(line, path, index + 1)]));
}

function parseLine(line: string, file: string, number: number): MetricsLine {
  try {
    return JSON.parse(line) as MetricsLine;
  } catch (cause) {
    throw invalid(
      "metrics-damaged",
      `expected one JSON object a line in ${file}, got something else in line ${number}`,
      {
        where: { file, line: number },
        cause,
      },
    );
  }
}

/** Appends to a file that is first cut back to the lines of steps 1 to `lastStep`. */
export class MetricsWriter {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string, lastStep: number): Promise<MetricsWriter> {
    const kept = (await readMetrics(path)).filter(({ step }) => step <= lastStep);
    // Steps are written in order, so what is kept is a prefix of the file.
    const bytes = Buffer.byteLength(kept.map(formatLine).join(""));
    const file = await open(path, "a");
    await truncate(path, bytes);
    return new MetricsWriter(file);
  }

  async append(line: MetricsLine): Promise<void> {
    await this.#file.appendFile(formatLine(line));
  }

  /** Before a checkpoint of the same step: no checkpoint is newer than the lines on disk. */
  async sync(): Promise<void> {
    await this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function formatLine(line: MetricsLine): string {
  return `${JSON.stringify(line)}\n`;
}

/** JSON has no NaN: what is not finite becomes null. */
export function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
