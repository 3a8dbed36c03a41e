// Phase "ids" (partition by hash of the id): a repeated id is rejected; the first document in input order keeps it. Equal
// 128-bit hashes count as equal ids.
import { writeSpill } from "../formats/spill.js";
import { native } from "../native.js";
import type { Phase, TaskContext, TaskResult } from "../records/stage.js";
import type { DedupConfig } from "./config.js";
import type { Limits } from "./limits.js";
import { type Numbering, numberingOf } from "./numbering.js";
import { gatherHashes, numParts, partNames, spillPath } from "./spills.js";

interface PartArgs {
  readonly numbering: Numbering;
  readonly part: number;
  readonly parts: number;
}

export const idsPhase = (limits: Limits): Phase<DedupConfig> => ({
  name: "ids",
  kind: "partition",
  plan(context) {
    const numbering = numberingOf(context);
    const names = partNames(numParts(numbering.numDocuments, limits));
    return names.map((id, part) => ({ id, run: "dedup/ids", args: { numbering, part, parts: names.length } as never }));
  },
});

export async function findRepeatedIds(
  { numbering, part, parts }: PartArgs,
  { workDir }: TaskContext,
): Promise<TaskResult> {
  const name = partNames(parts)[part]!;
  const gathered = gatherHashes(workDir, numbering.blocks, "idHashes", 2, { index: part, count: parts }, () => false);
  const { members, offsets } = native().equalGroups(gathered.hashes);
  const repeated = new Uint32Array(members.length - (offsets.length - 1));
  let count = 0;
  for (let group = 0; group + 1 < offsets.length; group += 1) {
    for (let i = offsets[group]! + 1; i < offsets[group + 1]!; i += 1) {
      repeated[count] = gathered.documents[members[i]!]!;
      count += 1;
    }
  }
  repeated.sort();
  const output = await writeSpill(spillPath(workDir, "ids", name), "ids", { documents: repeated });
  return { outputs: [output], counts: repeated.length === 0 ? {} : { "rejected_duplicate-id": repeated.length } };
}
