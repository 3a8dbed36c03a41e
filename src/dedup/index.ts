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
//   sample      reduce     pairs of sampled documents, found without the bands       sample/all
//   shingles    map        exact shingle sets of candidates                          shingles/<block>
//   verify      partition  exact Jaccard of candidate pairs                          edges/<range>
//   decide      reduce     the star of survivors, in one ordered pass                decision/all
//   write       map        kept lines to their offsets; lines of removed, rejected   kept.jsonl, removed/, rejected/
//   statistics  reduce     recall measured on the sample's pairs; what became of all    statistics.json
//   commit      reduce     the contract checked, outputs named                       (final files)
import { basename } from "node:path";
import type { FileRef, Stage } from "../records/stage.js";
import { bandsPhase } from "./bands.js";
import { commitPhase, KEPT_FILE } from "./commit.js";
import { type DedupConfig, dedupSchema } from "./config.js";
import { decidePhase } from "./decide.js";
import { foldPhase } from "./fold.js";
import { idsPhase } from "./ids.js";
import { type Limits, maxWorkers } from "./limits.js";
import { crowdedPhase, pairsPhase } from "./pairs.js";
import { samplePhase } from "./sample.js";
import { shinglesPhase } from "./shingle-sets.js";
import { signaturesPhase } from "./signatures.js";
import { statisticsPhase } from "./statistics.js";
import { verifyPhase } from "./verify.js";
import { writePhase } from "./write.js";

export type { DedupConfig } from "./config.js";
export { LIMITS, type Limits } from "./limits.js";

/** `limits` are for tests: they take the place of what the configuration implies. */
export function createDedupStage(limits: Partial<Limits> = {}): Stage<DedupConfig> {
  return {
    name: "dedup",
    version: 3,
    schema: dedupSchema,
    // The memory bound is no runtime key: how the work is cut into tasks depends on it.
    runtimeKeys: ["simd", "maxRejectedFraction"],
    maxWorkers,
    phases: [
      signaturesPhase,
      idsPhase(limits),
      foldPhase,
      bandsPhase(limits),
      crowdedPhase,
      pairsPhase(limits),
      samplePhase(limits),
      shinglesPhase,
      verifyPhase(limits),
      decidePhase(limits),
      writePhase,
      statisticsPhase(limits),
      commitPhase,
    ],
    dataOutputs(_dir: string, outputs: readonly FileRef[]): readonly FileRef[] {
      return outputs.filter(({ path }) => basename(path) === KEPT_FILE);
    },
  };
}

export const dedupStage: Stage<DedupConfig> = createDedupStage();
