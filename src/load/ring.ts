// A ring of batches in a SharedArrayBuffer, between one thread that fills and one that consumes.
//
//   |state of slot 0|state of slot 1| ... (padded to 64 bytes)|slot 0|slot 1| ...
//   slot: samples (rows) int64 | tokens (rows, T + 1) int32, padded to 64 bytes
//
//   free --filler--> filled --consumer--> in use --release--> free
//
// The state says whose the slot is: the filler's while free, nobody's while filled, the consumer's while in use. Atomics
// order the slot's bytes with its state.
import { invariant } from "../base/errors.js";

export const SLOT_STATES = ["free", "filled", "in use"] as const;
export type SlotState = (typeof SLOT_STATES)[number];

const ALIGNMENT = 64;
const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

export interface RingShape {
  readonly depth: number;
  /** Rows of a batch. */
  readonly rows: number;
  /** Tokens of a row: T + 1. */
  readonly width: number;
}

export function ringBytes({ depth, rows, width }: RingShape): number {
  return align(4 * depth) + depth * (align(8 * rows) + align(4 * rows * width));
}

export class Ring {
  readonly shape: RingShape;
  readonly buffer: SharedArrayBuffer;
  readonly #states: Int32Array;

  constructor(shape: RingShape, buffer = new SharedArrayBuffer(ringBytes(shape))) {
    invariant(
      buffer.byteLength === ringBytes(shape),
      `expected a ring of ${ringBytes(shape)} bytes, got ${buffer.byteLength}`,
    );
    this.shape = shape;
    this.buffer = buffer;
    this.#states = new Int32Array(buffer, 0, shape.depth);
  }

  state(slot: number): SlotState {
    return SLOT_STATES[Atomics.load(this.#states, slot)]!;
  }

  /** Fails when the slot is not in the state that this side may take it from. */
  move(slot: number, from: SlotState, to: SlotState): void {
    const expected = SLOT_STATES.indexOf(from);
    const seen = Atomics.compareExchange(this.#states, slot, expected, SLOT_STATES.indexOf(to));
    invariant(seen === expected, `expected slot ${slot} to be ${from} before it is ${to}, got ${SLOT_STATES[seen]}`);
  }

  samples(slot: number): BigInt64Array {
    return new BigInt64Array(this.buffer, this.#start(slot), this.shape.rows);
  }

  tokens(slot: number): Int32Array {
    const { rows, width } = this.shape;
    return new Int32Array(this.buffer, this.#start(slot) + align(8 * rows), rows * width);
  }

  #start(slot: number): number {
    const { depth, rows, width } = this.shape;
    return align(4 * depth) + slot * (align(8 * rows) + align(4 * rows * width));
  }
}
