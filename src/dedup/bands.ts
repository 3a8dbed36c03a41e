// Phase "bands" (partition by band and range of keys): one band is sorted at a time; documents with one key are candidates
// of each other. Buckets above maxBucket are not paired out: their members go to the join of the deciding phase.
import { writeSpill } from "../formats/spill.js";
import { native } from "../native.js";
import type { Phase, TaskContext, TaskResult } from "../records/stage.js";
import { Bitmap } from "./bitmap.js";
import type { DedupConfig } from "./config.js";
import type { Limits } from "./limits.js";
import { type Numbering, numberingOf } from "./numbering.js";
import { gatherHashes, numParts, partNames, readBitmap, spillPath } from "./spills.js";

/** Samples of a band's pairs that make a range of the next phase. */
export const SAMPLES_A_RANGE = 128;

interface BandArgs {
  readonly numbering: Numbering;
  readonly band: number;
  readonly part: number;
  readonly parts: number;
  readonly maxBucket: number;
  readonly pairsASample: number;
}

/** What a band's task tells later phases. */
export type BandSummary = {
  readonly name: string;
  /** The lower document of every so many pairs: what the next phase cuts its ranges by. */
  readonly samples: readonly number[];
};

export const bandsPhase = (limits: Limits): Phase<DedupConfig> => ({
  name: "bands",
  kind: "partition",
  plan(context) {
    const numbering = numberingOf(context);
    const parts = numParts(numbering.numDocuments, limits);
    const { maxBucket } = limits;
    const pairsASample = Math.ceil(limits.pairsARange / SAMPLES_A_RANGE);
    return Array.from({ length: context.config.bands * parts }, (_, i) => {
      const [band, part] = [Math.floor(i / parts), i % parts];
      const args: BandArgs = { numbering, band, part, parts, maxBucket, pairsASample };
      return { id: bandName(band, part), run: "dedup/band", args: args as never };
    });
  },
});

function bandName(band: number, part: number): string {
  return `${String(band).padStart(4, "0")}-${String(part).padStart(4, "0")}`;
}

export async function pairBand(args: BandArgs, { workDir }: TaskContext): Promise<TaskResult> {
  const { numbering, band, part, parts, maxBucket, pairsASample } = args;
  const names = partNames(parts);
  const { numDocuments, blocks } = numbering;
  const excluded = new Bitmap(numDocuments);
  for (const kind of ["ids", "copies"] as const) {
    const paths = names.map((name) => spillPath(workDir, kind, name));
    excluded.merge(readBitmap(numDocuments, paths, kind, "documents").bits);
  }
  const isExcluded = (document: number): boolean => excluded.has(document);
  const { hashes, documents } = gatherHashes(
    workDir,
    blocks,
    `band-${band}`,
    1,
    { index: part, count: parts },
    isExcluded,
  );
  const { pairs, crowded } = native().bucketPairs(hashes, documents, maxBucket);
  const name = bandName(band, part);
  const output = await writeSpill(spillPath(workDir, "bands", name), "bands", { pairs, crowded });
  const halves = new Uint32Array(pairs.buffer, pairs.byteOffset, pairs.length * 2);
  const samples: number[] = [];
  for (let i = 0; i < pairs.length; i += pairsASample) samples.push(halves[2 * i + 1]!);
  return { outputs: [output], counts: {}, data: { name, samples } satisfies BandSummary };
}
