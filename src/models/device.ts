// Where a model computes: the device that a user names, and the backend that it means on this machine.
import { invalid } from "../base/errors.js";
import type { Backend } from "../native/trainer.js";
import { native } from "../native.js";

export const DEVICES = ["cpu", "cuda"] as const;
export type Device = (typeof DEVICES)[number];

/** Refuses, before any work, a device that nothing can run on here. */
export function requireDevice(device: Device): void {
  const reason = device === "cuda" ? native().backendReason("cuda") : "";
  if (reason !== "") throw noDevice(`expected a GPU for device cuda, got none: ${reason}`);
}

export function noDevice(sentence: string, cause?: unknown): Error {
  return invalid("config-device", sentence, {
    hint: "docs/gpu.md says how to build for GPUs; --device cpu computes the same",
    ...(cause !== undefined && { cause }),
  });
}

/** On the processor the fast backend, where there is a BLAS library. */
export function backendOf(device: Device): Backend {
  return device === "cuda" ? "cuda" : (native().backends()[0] ?? "reference");
}
