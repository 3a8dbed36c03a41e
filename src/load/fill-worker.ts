// The worker thread that fills the ring: one task a batch. It maps the shards itself, so nothing but the task crosses.
import { toWireError, type WireError } from "../base/errors.js";
import { Gatherer, type GatherPlan } from "./gather.js";
import { Ring, type RingShape } from "./ring.js";

export interface FillRequest {
  readonly plan: GatherPlan;
  readonly shape: RingShape;
  readonly buffer: SharedArrayBuffer;
  readonly slot: number;
  readonly firstSample: number;
}

/** Nothing when the slot is filled; errors as plain values, because own fields of an Error stay behind in the worker. */
export type FillReply = { readonly error?: WireError };

/** A worker belongs to one loader: plan and ring are those of the first task. */
let opened: { gatherer: Gatherer; ring: Ring } | undefined;

export default async function fill({ plan, shape, buffer, slot, firstSample }: FillRequest): Promise<FillReply> {
  try {
    opened ??= { gatherer: await Gatherer.open(plan), ring: new Ring(shape, buffer) };
    opened.gatherer.fill(firstSample, opened.ring.tokens(slot), opened.ring.samples(slot));
    opened.ring.move(slot, "free", "filled");
    return {};
  } catch (error) {
    return { error: toWireError(error) };
  }
}
