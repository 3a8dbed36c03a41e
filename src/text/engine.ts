// The two engines of dedup behind one interface: `native` (C++ kernels) and `js` (the npm package minhash for signatures, no
// compiler needed). Shingles, hashes and decisions are the same; MinHash band keys are not, so the engines may propose
// different candidates, which are verified alike.

import type { NativeCandidates } from "../native/candidates.js";
import type { NativeDedup } from "../native/dedup.js";
import type { NativeRead } from "../native/read.js";
import type { NativeSketchJoin } from "../native/sketch-join.js";
import { native } from "../native.js";
import { jsEngine } from "./js/engine.js";

export type EngineName = "native" | "js";

export type DedupEngine = NativeDedup &
  NativeCandidates &
  NativeSketchJoin &
  Pick<NativeRead, "scanJsonl" | "formatJsonl">;

export function engineOf(name: EngineName): DedupEngine {
  return name === "native" ? native() : jsEngine;
}
