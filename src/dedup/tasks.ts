// What workers load of dedup: its tasks by registered name.
import type { TaskFunction } from "../records/stage.js";
import { pairBands } from "./bands.js";
import { commit } from "./commit.js";
import { decide } from "./decide.js";
import { fold } from "./fold.js";
import { findRepeatedIds } from "./ids.js";
import { collectCrowded, collectPairs } from "./pairs.js";
import { sampleDocuments } from "./sample.js";
import { spillShingles } from "./shingle-sets.js";
import { sign } from "./signatures.js";
import { collectStatistics } from "./statistics.js";
import { verifyPairs } from "./verify.js";
import { writeBlock } from "./write.js";

export const dedupTasks: Readonly<Record<string, TaskFunction>> = {
  "dedup/sign": sign,
  "dedup/ids": findRepeatedIds,
  "dedup/fold": fold,
  "dedup/band": pairBands,
  "dedup/crowded": collectCrowded,
  "dedup/pairs": collectPairs,
  "dedup/sample": sampleDocuments,
  "dedup/shingles": spillShingles,
  "dedup/verify": verifyPairs,
  "dedup/decide": decide,
  "dedup/write": writeBlock,
  "dedup/statistics": collectStatistics,
  "dedup/commit": commit,
};
