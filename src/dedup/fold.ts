// Phase "fold" (partition by content hash): documents with equal normalised text become one representative and its
// copies. The representative is the first of them in the total order.
import { writeSpill } from "../formats/spill.js";
import type { Phase, TaskContext, TaskResult } from "../records/stage.js";
import { type EngineName, engineOf } from "../text/engine.js";
import type { DedupConfig } from "./config.js";
import { firstOfGroups } from "./first-of-groups.js";
import { GrowableUint32 } from "./growable.js";
import { type Numbering, numberingOf } from "./numbering.js";
import { Scratch } from "./scratch.js";
import { gatherHashes, partNames, readBitmap, spillPath } from "./spills.js";

interface FoldArgs {
  readonly numbering: Numbering;
  readonly part: number;
  readonly parts: number;
  readonly engine: EngineName;
}

export const foldPhase: Phase<DedupConfig> = {
  name: "fold",
  kind: "partition",
  plan(context) {
    const { engine } = context.config;
    const numbering = numberingOf(context);
    const names = partNames(context.results("ids").length);
    return names.map((id, part) => ({
      id,
      run: "dedup/fold",
      args: { numbering, part, parts: names.length, engine } satisfies FoldArgs as never,
    }));
  },
};

export async function fold(
  { numbering, part, parts, engine: engineName }: FoldArgs,
  { workDir }: TaskContext,
): Promise<TaskResult> {
  const engine = engineOf(engineName);
  const names = partNames(parts);
  // Words of (copy << 32 | representative).
  const copies = new GrowableUint32();
  await Scratch.use(async (scratch) => {
    const paths = names.map((name) => spillPath(workDir, "ids", name));
    const excluded = readBitmap(numbering.numDocuments, paths, "ids", "documents");
    const options = { columns: ["contentHashes"], words: 2, part, parts, excluded } as const;
    const [gathered] = gatherHashes(workDir, numbering, options, engine, scratch);
    const { members: rows, offsets } = engine.equalGroups(gathered!.hashes);
    const members = rows.map((row) => gathered!.documents[row]!);
    const first = firstOfGroups(workDir, numbering, members, offsets);
    for (let group = 0; group < first.length; group += 1) {
      for (let i = offsets[group]!; i < offsets[group + 1]!; i += 1) {
        if (members[i] === first[group]) continue;
        copies.push(first[group]!);
        copies.push(members[i]!);
      }
    }
  });
  engine.sortUnique(copies.view64());
  const halves = copies.view();
  const output = await writeSpill(spillPath(workDir, "copies", names[part]!), "copies", {
    documents: halves.filter((_, i) => i % 2 === 1),
    representatives: halves.filter((_, i) => i % 2 === 0),
  });
  return { outputs: [output], counts: {} };
}
