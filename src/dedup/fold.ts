// Phase "fold" (partition by content hash): documents with equal normalised text become one representative and its
// copies. The representative is the first of them in the total order: among equals of length and content that is the
// least hash of the text as it is, then the least id; under "first", the first in the input.
import { writeSpill } from "../formats/spill.js";
import { native } from "../native.js";
import type { Phase, TaskContext, TaskResult } from "../records/stage.js";
import type { DedupConfig } from "./config.js";
import { GrowableUint32 } from "./growable.js";
import type { Limits } from "./limits.js";
import { type Numbering, numberingOf } from "./numbering.js";
import { BlockSpills, gatherHashes, IdReader, numParts, partNames, readBitmap, spillPath } from "./spills.js";

interface FoldArgs {
  readonly numbering: Numbering;
  readonly keep: DedupConfig["keep"];
  readonly part: number;
  readonly parts: number;
}

export const foldPhase = (limits: Limits): Phase<DedupConfig> => ({
  name: "fold",
  kind: "partition",
  plan(context) {
    const numbering = numberingOf(context);
    const names = partNames(numParts(numbering.numDocuments, limits));
    const { keep } = context.config;
    return names.map((id, part) => ({
      id,
      run: "dedup/fold",
      args: { numbering, keep, part, parts: names.length } as never,
    }));
  },
});

export async function fold({ numbering, keep, part, parts }: FoldArgs, { workDir }: TaskContext): Promise<TaskResult> {
  const names = partNames(parts);
  const paths = names.map((name) => spillPath(workDir, "ids", name));
  const repeated = readBitmap(numbering.numDocuments, paths, "ids", "documents");
  const isExcluded = (document: number): boolean => repeated.has(document);
  const gathered = gatherHashes(
    workDir,
    numbering.blocks,
    "contentHashes",
    2,
    { index: part, count: parts },
    isExcluded,
  );
  const { members, offsets } = native().equalGroups(gathered.hashes);
  const order = keep === "first" ? undefined : new TextOrder(workDir, numbering);
  // Words of (copy << 32 | representative).
  const copies = new GrowableUint32();
  try {
    for (let group = 0; group + 1 < offsets.length; group += 1) {
      const documents = members.subarray(offsets[group]!, offsets[group + 1]!).map((row) => gathered.documents[row]!);
      const representative = order === undefined ? documents[0]! : order.first(documents);
      for (const document of documents) {
        if (document === representative) continue;
        copies.push(representative);
        copies.push(document);
      }
    }
  } finally {
    order?.close();
  }
  const sorted = copies.view64();
  native().sortUnique(sorted);
  const halves = copies.view();
  const output = await writeSpill(spillPath(workDir, "copies", names[part]!), "copies", {
    documents: halves.filter((_, i) => i % 2 === 1),
    representatives: halves.filter((_, i) => i % 2 === 0),
  });
  return { outputs: [output], counts: {} };
}

/** Documents with one normalised text, by the hash of their own text, then by id. */
class TextOrder {
  readonly #hashes: BlockSpills;
  readonly #ids: IdReader;

  constructor(workDir: string, numbering: Numbering) {
    this.#hashes = new BlockSpills(workDir, "signatures", numbering);
    this.#ids = new IdReader(workDir, numbering);
  }

  first(documents: Uint32Array): number {
    let first = documents[0]!;
    let firstHash = this.#textHash(first);
    for (const document of documents.subarray(1)) {
      const hash = this.#textHash(document);
      if (hash > firstHash) continue;
      if (hash < firstHash || Buffer.compare(this.#ids.id(document), this.#ids.id(first)) < 0) {
        first = document;
        firstHash = hash;
      }
    }
    return first;
  }

  close(): void {
    this.#hashes.close();
    this.#ids.close();
  }

  #textHash(document: number): bigint {
    const { spill, block } = this.#hashes.of(document);
    return spill.range("textHashes", "u64", document - block.base, document - block.base + 1)[0]!;
  }
}
