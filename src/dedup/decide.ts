// Phase "decide" (one ordered pass): the star of survivors, copies sent along with their representatives. Leaves the removed
// documents with their witnesses, and how many bytes of kept.jsonl each block will write. What it holds for each document
// of the corpus is a few bits; all else is sorted outside of memory.
import type { Phase, TaskContext, TaskResult } from "../records/stage.js";
import { type EngineName, engineOf } from "../text/engine.js";
import { Bitmap } from "./bitmap.js";
import type { DedupConfig } from "./config.js";
import { prepareCrowd } from "./crowd.js";
import { writeDecision } from "./decision.js";
import { type Limits, limitsOf } from "./limits.js";
import { type Numbering, numberingOf, writeNumbering } from "./numbering.js";
import { rangeNames, readCrowded } from "./pairs.js";
import { RunMerge, RunWriter } from "./runs.js";
import { Scratch } from "./scratch.js";
import { SetReader } from "./set-reader.js";
import { thresholdOf } from "./settings.js";
import { partNames, spillPath } from "./spills.js";
import { decideStar, WITNESS } from "./star.js";
import type { Ratio } from "./threshold.js";
import { EDGE } from "./verify.js";

export const DECISION = "all";

interface DecideArgs {
  readonly numbering: Numbering;
  readonly threshold: Ratio;
  /** Blocks with spilled shingle sets. */
  readonly shingled: readonly string[];
  readonly ranges: readonly string[];
  /** Parts of repeated ids and of copies. */
  readonly parts: readonly string[];
  readonly limits: Limits;
  readonly engine: EngineName;
}

/** What later phases plan with: bytes of kept.jsonl by block, in order. */
export type DecisionSummary = { readonly keptBytes: readonly number[] };

export const decidePhase = (overrides: Partial<Limits>): Phase<DedupConfig> => ({
  name: "decide",
  kind: "reduce",
  plan(context) {
    const args: DecideArgs = {
      numbering: numberingOf(context),
      threshold: thresholdOf(context.config),
      shingled: context.results("shingles").map(({ data }) => data as string),
      ranges: rangeNames(context),
      parts: partNames(context.results("fold").length),
      limits: limitsOf(context.config, overrides),
      engine: context.config.engine,
    };
    return [{ id: DECISION, run: "dedup/decide", args: args as never }];
  },
});

export async function decide(args: DecideArgs, { workDir }: TaskContext): Promise<TaskResult> {
  const { numbering, parts, limits } = args;
  const engine = engineOf(args.engine);
  const removed = new Bitmap(numbering.numDocuments);
  const witnesses = spillPath(workDir, "runs", "witnesses");
  const numJoined = await Scratch.use((scratch) => writeWitnesses(args, workDir, witnesses, removed, scratch));
  const decision = await writeDecision({ workDir, numbering, parts, removed, witnesses, limits, engine });
  const { output, keptBytes, numNear, numCopies, numRepeated } = decision;
  const counts = {
    documents_removed: numNear + numCopies,
    documents_kept: numbering.numDocuments - numRepeated - numNear - numCopies,
    near_duplicates: numNear,
    exact_copies: numCopies,
    candidate_pairs: numJoined,
    verified_pairs: numJoined,
    bytes_kept: keptBytes.reduce((sum, bytes) => sum + bytes, 0),
  };
  const outputs = [output, await writeNumbering(workDir, numbering)];
  return { outputs, counts, data: { keptBytes } satisfies DecisionSummary };
}

/** Decides the star. Returns how many pairs above the threshold its join found. */
async function writeWitnesses(
  { numbering, threshold, shingled, ranges, limits, engine: engineName }: DecideArgs,
  workDir: string,
  path: string,
  removed: Bitmap,
  scratch: Scratch,
): Promise<number> {
  const engine = engineOf(engineName);
  const members = readCrowded(workDir, numbering.numDocuments);
  const crowd = members.isEmpty()
    ? undefined
    : await prepareCrowd({ workDir, numbering, shingled, members, threshold, limits, engine }, scratch);
  const witnesses = await RunWriter.open(path, "runs", WITNESS, limits.recordsARun, engine);
  const sets = new SetReader(workDir, numbering);
  let edges: RunMerge | undefined;
  try {
    const paths = ranges.map((name) => spillPath(workDir, "edges", name));
    edges = new RunMerge(paths, "edges", EDGE);
    const { shinglesABatch } = limits;
    const numJoined = await decideStar({ edges, crowd, sets, engine, shinglesABatch, removed, witnesses }, scratch);
    await witnesses.finish();
    return numJoined;
  } catch (error) {
    await witnesses.abort();
    throw error;
  } finally {
    edges?.close();
    sets.close();
  }
}
