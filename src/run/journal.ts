// The journal of one stage: which tasks are done, with what they wrote. Append-only lines of JSON, each batch fsynced before
// anyone is told; a torn last line (a crash while writing) is cut off and its task runs again. docs/formats/journal.md
import { type FileHandle, open, readFile } from "node:fs/promises";
import { isAbsolute, join, relative } from "node:path";
import { writeFileAtomic } from "../base/atomic.js";
import type { FileRef, Json, TaskResult } from "../records/stage.js";

export const JOURNAL_FORMAT = 1;
export const JOURNAL_NAME = "journal.jsonl";
/** The first bytes of every journal. */
export const JOURNAL_BEGIN = '{"type":"stage","format":';

export interface JournalHeader {
  readonly type: "stage";
  readonly format: number;
  readonly stage: string;
  readonly version: number;
  readonly key: string;
  /** What the key was made of, so that a change can be explained. */
  readonly config: Json;
  readonly inputs: readonly { readonly name: string; readonly digest: string }[];
}

export interface TaskRecord {
  readonly type: "task";
  readonly phase: string;
  readonly id: string;
  /** Paths relative to the stage's folder. */
  readonly outputs: readonly FileRef[];
  readonly counts: Readonly<Record<string, number>>;
  readonly notes?: readonly string[] | undefined;
  readonly data?: Json | undefined;
  readonly seconds: number;
}

export interface PhaseRecord {
  readonly type: "phase";
  readonly phase: string;
  /** Wall-clock time of all runs so far, this one included. */
  readonly seconds: number;
  /** The ids in planned order, once the phase has committed; absent where a run stopped inside it. */
  readonly order?: readonly string[] | undefined;
}

export type JournalRecord = JournalHeader | TaskRecord | PhaseRecord;

export interface JournalContent {
  readonly header: JournalHeader | undefined;
  readonly tasks: ReadonlyMap<string, TaskRecord>;
  readonly phases: ReadonlyMap<string, PhaseRecord>;
  /** Length of the part that parses: where appending goes on. */
  readonly validBytes: number;
}

export function taskKey(phase: string, id: string): string {
  return `${phase}\n${id}`;
}

/** Everything up to the first line that is torn or damaged: what is behind it is done again, which is always safe. */
export async function readJournal(dir: string): Promise<JournalContent> {
  const bytes = await readFile(join(dir, JOURNAL_NAME)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return Buffer.alloc(0);
    throw error;
  });
  let header: JournalHeader | undefined;
  const tasks = new Map<string, TaskRecord>();
  const phases = new Map<string, PhaseRecord>();
  let validBytes = 0;
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, validBytes)) {
    const record = parseRecord(bytes.toString("utf8", validBytes, end));
    if (record === undefined) break;
    if (record.type === "stage") {
      if (record.format !== JOURNAL_FORMAT) break;
      header = record;
    } else if (header === undefined) {
      break;
    } else if (record.type === "task") {
      tasks.set(taskKey(record.phase, record.id), record);
    } else {
      phases.set(record.phase, record);
    }
    validBytes = end + 1;
  }
  return { header, tasks, phases, validBytes };
}

function parseRecord(line: string): JournalRecord | undefined {
  try {
    const value = JSON.parse(line) as JournalRecord;
    return value.type === "stage" || value.type === "task" || value.type === "phase" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Appends records in the order given. One owner a stage folder (the run's lock sees to that). */
export class JournalWriter {
  readonly #file: FileHandle;
  #pending: string[] = [];
  /** The batch being written, and the one that waits behind it. */
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** A new journal; one that was there is replaced in one step, so there is never one without its beginning. */
  static async start(dir: string, header: JournalHeader): Promise<JournalWriter> {
    await writeFileAtomic(join(dir, JOURNAL_NAME), `${JSON.stringify(header)}\n`);
    return new JournalWriter(await open(join(dir, JOURNAL_NAME), "a"));
  }

  /** Cuts the journal to its valid part and appends from there. */
  static async resume(dir: string, validBytes: number): Promise<JournalWriter> {
    const file = await open(join(dir, JOURNAL_NAME), "a");
    await file.truncate(validBytes);
    await file.sync();
    return new JournalWriter(file);
  }

  /** Settles when the record is on disk. Records that arrive while a batch is being synced go with the next one. */
  append(record: JournalRecord): Promise<void> {
    this.#pending.push(`${JSON.stringify(record)}\n`);
    this.#next ??= this.#current.then(() => {
      this.#next = undefined;
      this.#current = this.#flush();
      return this.#current;
    });
    return this.#next;
  }

  /** Writes what is still pending. */
  async close(): Promise<void> {
    try {
      await (this.#next ?? this.#current);
    } finally {
      await this.#file.close();
    }
  }

  async #flush(): Promise<void> {
    const batch = this.#pending;
    this.#pending = [];
    await this.#file.writeFile(batch.join(""));
    await this.#file.datasync();
  }
}

/** A result as the journal keeps it: paths relative to the stage's folder. */
export function toRecord(dir: string, phase: string, id: string, result: TaskResult, seconds: number): TaskRecord {
  const outputs = result.outputs.map((output) => ({ ...output, path: relative(dir, output.path) }));
  return { type: "task", phase, id, outputs, counts: result.counts, notes: result.notes, data: result.data, seconds };
}

export function fromRecord(dir: string, record: TaskRecord): TaskResult {
  const outputs = record.outputs.map((output) => ({
    ...output,
    path: isAbsolute(output.path) ? output.path : join(dir, output.path),
  }));
  return { outputs, counts: record.counts, notes: record.notes, data: record.data };
}
