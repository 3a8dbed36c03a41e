// The dedup stage. Its contract: a document is removed only if a kept document has exact shingle Jaccard similarity above
// the threshold with it; the pair and its similarity are recorded. All else may only lose recall (docs/formats/dedup.md,
// docs/decisions/0020-dedup-phases.md).
//
//   signatures  map        read each document once: hashes, band keys, id            signatures/<block>
//   ids         partition  repeated ids are rejected                                 ids/<part>
//   fold        partition  equal normalised texts become one representative          copies/<part>
//   bands       partition  documents with equal band keys are candidates             bands/<band>-<part>
//   crowded     reduce     members of buckets too large to pair out                  crowded/all
//   pairs       partition  candidate pairs, each once                                pairs/<range>
//   shingles    map        exact shingle sets of candidates                          shingles/<block>
//   verify      partition  exact Jaccard of candidate pairs                          edges/<range>
//   decide      reduce     the star of survivors, in one ordered pass                decision/all
//   write       map        kept lines to their offsets; lines of removed, rejected   kept.jsonl, removed/, rejected/
//   commit      reduce     the contract checked, outputs named                       (final files)
import { basename } from "node:path";
import type { FileRef, Stage, TaskFunction } from "../records/stage.js";
import { bandsPhase, pairBand } from "./bands.js";
import { commit, commitPhase, KEPT_FILE } from "./commit.js";
import { type DedupConfig, dedupSchema } from "./config.js";
import { decide, decidePhase } from "./decide.js";
import { fold, foldPhase } from "./fold.js";
import { findRepeatedIds, idsPhase } from "./ids.js";
import { LIMITS, type Limits } from "./limits.js";
import { collectCrowded, collectPairs, crowdedPhase, pairsPhase } from "./pairs.js";
import { shinglesPhase, spillShingles } from "./shingle-sets.js";
import { sign, signaturesPhase } from "./signatures.js";
import { verifyPairs, verifyPhase } from "./verify.js";
import { writeBlock, writePhase } from "./write.js";

export type { DedupConfig } from "./config.js";
export { LIMITS, type Limits } from "./limits.js";

/** `limits` are for tests. */
export function createDedupStage(limits: Limits = LIMITS): Stage<DedupConfig> {
  return {
    name: "dedup",
    version: 1,
    schema: dedupSchema,
    runtimeKeys: ["simd", "maxRejectedFraction"],
    phases: [
      signaturesPhase,
      idsPhase(limits),
      foldPhase(limits),
      bandsPhase(limits),
      crowdedPhase,
      pairsPhase,
      shinglesPhase,
      verifyPhase(limits),
      decidePhase,
      writePhase,
      commitPhase,
    ],
    dataOutputs(_dir: string, outputs: readonly FileRef[]): readonly FileRef[] {
      return outputs.filter(({ path }) => basename(path) === KEPT_FILE);
    },
  };
}

export const dedupStage: Stage<DedupConfig> = createDedupStage();

export const dedupTasks: Readonly<Record<string, TaskFunction>> = {
  "dedup/sign": sign,
  "dedup/ids": findRepeatedIds,
  "dedup/fold": fold,
  "dedup/band": pairBand,
  "dedup/crowded": collectCrowded,
  "dedup/pairs": collectPairs,
  "dedup/shingles": spillShingles,
  "dedup/verify": verifyPairs,
  "dedup/decide": decide,
  "dedup/write": writeBlock,
  "dedup/commit": commit,
};
