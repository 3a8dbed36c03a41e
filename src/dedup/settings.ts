// A checked configuration, resolved for tasks.
import type { Shingling } from "../native/dedup.js";
import { parseByteSize } from "./byte-size.js";
import type { DedupConfig } from "./config.js";
import { type Policy, parsePolicy } from "./policy.js";
import { type Ratio, ratioOf } from "./threshold.js";

export function shinglingOf(config: DedupConfig): Shingling {
  const [unit, size] = config.shingle.split(":") as ["word" | "char", string];
  return { unit, size: Number(size) };
}

export function thresholdOf(config: DedupConfig): Ratio {
  return ratioOf(config.threshold)!;
}

export function policyOf(config: DedupConfig): Policy {
  return parsePolicy(config.keep) as Policy;
}

/** Undefined: no limit. */
export function memoryBytesOf({ memory }: DedupConfig): number | undefined {
  if (memory === null) return undefined;
  return typeof memory === "number" ? memory : parseByteSize(memory);
}
