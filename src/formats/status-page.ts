// The status page of a training process: written by its ranks and its host loop, read by the supervisor alone.
// Layout: native/include/millrace/status_page.h and docs/formats/status-page.md. Little-endian, fields at fixed offsets.

const MAGIC = 0x3154415453524d00n;
const VERSION = 1;
const HEADER_BYTES = 128;
const ROW_BYTES = 256;
const OPERATION_OFFSET = 40;
const OPERATION_BYTES = 128;

export type RankState = "idle" | "computing" | "waiting" | "failed";
const STATES: readonly RankState[] = ["idle", "computing", "waiting", "failed"];

export interface StatusRow {
  readonly ticks: bigint;
  readonly collective: number;
  readonly step: number;
  readonly state: RankState;
  readonly operation: string;
}

export interface StatusPage {
  readonly processId: number;
  readonly ranks: readonly StatusRow[];
  /** The loop that hands out work. */
  readonly host: StatusRow;
}

export function statusPageBytes(numRanks: number): number {
  return HEADER_BYTES + (numRanks + 1) * ROW_BYTES;
}

export function writeStatusHeader(page: ArrayBuffer, numRanks: number, processId: number): void {
  const view = new DataView(page);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, numRanks, true);
  view.setBigUint64(16, BigInt(processId), true);
  view.setBigUint64(0, MAGIC, true);
}

/** Undefined while the page is not (wholly) there yet. */
export function readStatusPage(bytes: Uint8Array): StatusPage | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getBigUint64(0, true) !== MAGIC || view.getUint32(8, true) !== VERSION) return undefined;
  const numRanks = view.getUint32(12, true);
  if (bytes.length < statusPageBytes(numRanks)) return undefined;
  const rows = Array.from({ length: numRanks + 1 }, (_, index) => readRow(view, HEADER_BYTES + index * ROW_BYTES));
  return { processId: Number(view.getBigUint64(16, true)), ranks: rows.slice(0, numRanks), host: rows[numRanks]! };
}

const decoder = new TextDecoder();

function readRow(view: DataView, offset: number): StatusRow {
  const text = new Uint8Array(view.buffer, view.byteOffset + offset + OPERATION_OFFSET, OPERATION_BYTES);
  const end = text.indexOf(0);
  return {
    ticks: view.getBigUint64(offset, true),
    collective: Number(view.getBigUint64(offset + 8, true)),
    step: Number(view.getBigUint64(offset + 16, true)),
    state: STATES[view.getUint32(offset + 32, true)] ?? "failed",
    operation: decoder.decode(text.subarray(0, end < 0 ? OPERATION_BYTES : end)),
  };
}

/** The writer of the host loop's row; one thread. */
export class HostRow {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;

  constructor(page: ArrayBuffer, numRanks: number) {
    const offset = HEADER_BYTES + numRanks * ROW_BYTES;
    this.#view = new DataView(page, offset, ROW_BYTES);
    this.#bytes = new Uint8Array(page, offset, ROW_BYTES);
  }

  tick(): void {
    this.#view.setBigUint64(0, this.#view.getBigUint64(0, true) + 1n, true);
  }

  /** `state` is "idle" where the loop may block for long and must not be called overdue. */
  set(state: "idle" | "computing", operation: string, step: number): void {
    this.#view.setBigUint64(16, BigInt(step), true);
    this.#view.setBigUint64(24, process.hrtime.bigint(), true);
    this.#view.setUint32(32, STATES.indexOf(state), true);
    this.#bytes.fill(0, OPERATION_OFFSET, OPERATION_OFFSET + OPERATION_BYTES);
    new TextEncoder().encodeInto(
      operation,
      this.#bytes.subarray(OPERATION_OFFSET, OPERATION_OFFSET + OPERATION_BYTES - 1),
    );
    this.tick();
  }
}
