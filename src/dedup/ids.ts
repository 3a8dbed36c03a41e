// Phase "ids" (partition by hash of the id): a repeated id is rejected; the first document in input order keeps it. Equal
// 128-bit hashes count as equal ids.
import { writeSpill } from "../formats/spill.js";
import type { Phase, TaskContext, TaskResult } from "../records/stage.js";
import { type EngineName, engineOf } from "../text/engine.js";
import type { DedupConfig } from "./config.js";
import { type Limits, limitsOf } from "./limits.js";
import { type Numbering, numberingOf } from "./numbering.js";
import { Scratch } from "./scratch.js";
import { gatherHashes, numParts, partNames, spillPath } from "./spills.js";

interface PartArgs {
  readonly numbering: Numbering;
  readonly part: number;
  readonly parts: number;
  readonly engine: EngineName;
}

export const idsPhase = (overrides: Partial<Limits>): Phase<DedupConfig> => ({
  name: "ids",
  kind: "partition",
  plan(context) {
    const { engine } = context.config;
    const numbering = numberingOf(context);
    const parts = numParts(numbering.numDocuments, limitsOf(context.config, overrides).documentsAPart);
    return partNames(parts).map((id, part) => ({
      id,
      run: "dedup/ids",
      args: { numbering, part, parts, engine } satisfies PartArgs as never,
    }));
  },
});

export async function findRepeatedIds(
  { numbering, part, parts, engine: engineName }: PartArgs,
  { workDir }: TaskContext,
): Promise<TaskResult> {
  const engine = engineOf(engineName);
  const repeated = await Scratch.use(async (scratch) => {
    const options = { columns: ["idHashes"], words: 2, part, parts, excluded: undefined } as const;
    const [gathered] = gatherHashes(workDir, numbering, options, engine, scratch);
    const { members, offsets } = engine.equalGroups(gathered!.hashes);
    const repeated = new Uint32Array(members.length - (offsets.length - 1));
    let count = 0;
    for (let group = 0; group + 1 < offsets.length; group += 1) {
      for (let i = offsets[group]! + 1; i < offsets[group + 1]!; i += 1) {
        repeated[count] = gathered!.documents[members[i]!]!;
        count += 1;
      }
    }
    return repeated.sort();
  });
  const output = await writeSpill(spillPath(workDir, "ids", partNames(parts)[part]!), "ids", { documents: repeated });
  return { outputs: [output], counts: repeated.length === 0 ? {} : { "rejected_duplicate-id": repeated.length } };
}
