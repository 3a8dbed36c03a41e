// What dedup did with one document, from its outputs, and why its witness comes before it: similarity and policy are worked out
// again from the two texts.
import {
  parseRemoved,
  REMOVED_FILE,
  REMOVED_LINE_HEAD,
  REMOVED_LINE_KEPT,
  type RemovedDocument,
} from "../formats/removed.js";
import type { RejectedRecord } from "../records/document-block.js";
import { compareTexts, type Span } from "../text/similarity.js";
import { normalizedText } from "../text/units.js";
import { lineNumberAt, linesWith } from "./byte-scan.js";
import { type DedupOutput, isThere, outputPath } from "./dedup-output.js";
import { type FoundDocument, findInInputs, findInLines, rejectedWith } from "./find-record.js";
import { isAbove } from "./pairs.js";

/** A document as the policy sees it. */
export interface PolicyKey {
  readonly id: string;
  readonly file: string;
  readonly offset: number;
  /** Undefined: neither the record nor the file it was found in tells. */
  readonly source?: string | undefined;
  readonly normalizedBytes: number;
  /** Of the policies highest and lowest, where there is one. */
  readonly score?: number | undefined;
}

export interface Marked {
  /** After NFC. */
  readonly text: string;
  /** What the other document has too. */
  readonly shared: readonly Span[];
}

export interface Removal {
  /** Of removed.jsonl, from 1. */
  readonly line: number;
  readonly witness: string;
  /** As recorded. */
  readonly jaccard: number;
  readonly exactCopy: boolean;
  /** Recomputed; absent when one of the texts was not found. */
  readonly common?: number | undefined;
  readonly union?: number | undefined;
  readonly own?: PolicyKey | undefined;
  readonly other?: PolicyKey | undefined;
  /** Why the witness comes first, one sentence. */
  readonly why: string;
}

export interface DedupStory {
  readonly stage: "dedup";
  readonly dir: string;
  readonly keep: string;
  readonly threshold: string;
  readonly shingle: string;
  readonly kept?:
    | {
        readonly file: string;
        readonly offset: number;
        /** How many documents were removed for its sake, and the first of them. */
        readonly removed: number;
        readonly first: readonly RemovedDocument[];
      }
    | undefined;
  readonly removed?: Removal | undefined;
  /** For a reader who wants to see the two texts; no part of the JSON. */
  readonly texts?: readonly [Marked, Marked] | undefined;
  readonly rejected: readonly RejectedRecord[];
}

const NUM_FIRST = 10;

export async function explainDedup(id: string, output: DedupOutput): Promise<DedupStory> {
  const { dir, keep, numerator, denominator, shingling } = output;
  const base = {
    stage: "dedup" as const,
    dir,
    keep,
    threshold: `${numerator / denominator}`,
    shingle: `${shingling.unit}:${shingling.size}`,
    rejected: rejectedWith(id, dir),
  };
  const line = removedLineOf(id, output);
  if (line !== undefined) return { ...base, ...(await explainRemoval(line, output)) };
  const place = await placeOfKept(id, output, base.rejected);
  return place === undefined ? base : { ...base, kept: { ...place, ...removedFor(id, output) } };
}

interface RemovedLine extends RemovedDocument {
  readonly number: number;
}

/** removed.jsonl is written by dedup: the id stands at the line's beginning, escaped in one way only. */
function removedLineOf(id: string, output: DedupOutput): RemovedLine | undefined {
  const path = outputPath(output, REMOVED_FILE);
  const needle = Buffer.from(`${REMOVED_LINE_HEAD}${JSON.stringify(id)}${REMOVED_LINE_KEPT}`);
  for (const { bytes, offset } of linesWith(path, needle)) {
    const removed = parseRemoved(bytes.toString("utf8"));
    if (removed?.id === id) return { ...removed, number: lineNumberAt(path, offset) };
  }
  return undefined;
}

function removedFor(id: string, output: DedupOutput): { removed: number; first: RemovedDocument[] } {
  const needle = Buffer.from(`${REMOVED_LINE_KEPT}${JSON.stringify(id)},`);
  const first: RemovedDocument[] = [];
  let removed = 0;
  for (const { bytes } of linesWith(outputPath(output, REMOVED_FILE), needle)) {
    const one = parseRemoved(bytes.toString("utf8"));
    if (one?.kept !== id) continue;
    removed += 1;
    if (first.length < NUM_FIRST) first.push(one);
  }
  return { removed, first };
}

/** Where a document that is not removed stands: in kept.jsonl, or (when its id was made up of its place) in the input. */
async function placeOfKept(
  id: string,
  output: DedupOutput,
  rejected: readonly RejectedRecord[],
): Promise<{ file: string; offset: number } | undefined> {
  const kept = outputPath(output, "kept.jsonl");
  const found = findInLines(kept, id, output.fields) ?? (await findMadeUp(id, output));
  if (found === undefined) return undefined;
  const isRejected = rejected.some(({ file, offset }) => file === found.file && offset === found.offset);
  return isRejected ? undefined : { file: found.file, offset: found.offset };
}

/** Of a document that the stage's inputs may have no longer, nothing is found. */
async function findMadeUp(id: string, output: DedupOutput): Promise<FoundDocument | undefined> {
  const inputs = output.inputs.filter((input) => id.startsWith(`${input.source}#`) && isThere(input));
  const found = await findInInputs(inputs, id, output.fields);
  return found?.document.id === undefined ? found : undefined;
}

async function explainRemoval(line: RemovedLine, output: DedupOutput): Promise<Pick<DedupStory, "removed" | "texts">> {
  const { id, kept: witness, jaccard, number } = line;
  const there = { ...output, inputs: output.inputs.filter(isThere) };
  const own = await findInInputs(there.inputs, id, output.fields);
  const other = await findWitness(witness, there);
  if (own === undefined || other === undefined) {
    const gone = own === undefined ? "dedup's input" : `the witness, "${witness}",`;
    const removed = {
      line: number,
      witness,
      jaccard,
      exactCopy: false,
      why: `${gone} is not there any more: the texts cannot be compared`,
    };
    return { removed };
  }
  const { unit } = output.shingling;
  const [ownNormal, otherNormal] = [own, other].map(({ document }) => normalizedText(document.text, unit));
  const comparison = compareTexts(own.document.text, other.document.text, output.shingling);
  const [ownKey, otherKey] = [keyOf(own, ownNormal!, output), keyOf(other, otherNormal!, output)];
  const exactCopy = ownNormal === otherNormal;
  return {
    removed: {
      line: number,
      witness,
      jaccard,
      exactCopy,
      common: comparison.intersection,
      union: comparison.union,
      own: ownKey,
      other: otherKey,
      why: isAbove(comparison, output)
        ? whyFirst(output, ownKey, otherKey, exactCopy)
        : "recomputed, the two are not above the threshold: run `millrace dedup verify`",
    },
    texts: [
      { text: comparison.textA, shared: comparison.sharedA },
      { text: comparison.textB, shared: comparison.sharedB },
    ],
  };
}

/** In kept.jsonl, unless the policy looks at the file it came from. */
async function findWitness(id: string, output: DedupOutput): Promise<FoundDocument | undefined> {
  const found = findInLines(outputPath(output, "kept.jsonl"), id, output.fields);
  const tellsSource = output.policy.kind !== "source" || found?.document.source !== undefined;
  return found !== undefined && tellsSource ? found : ((await findInInputs(output.inputs, id, output.fields)) ?? found);
}

function keyOf({ id, document, file, offset }: FoundDocument, normalized: string, { inputs }: DedupOutput): PolicyKey {
  const input = inputs.find(({ path }) => path === file);
  return {
    id,
    file,
    offset,
    source: document.source ?? input?.source,
    normalizedBytes: Buffer.byteLength(normalized),
    ...(Number.isNaN(document.score) ? {} : { score: document.score }),
  };
}

/** The witness's key is the better one, or equals decide. */
function whyFirst({ policy, keep }: DedupOutput, own: PolicyKey, other: PolicyKey, exactCopy: boolean): string {
  const bytes = (value: number): string => `${value.toLocaleString("en-US")} bytes`;
  const byHash = exactCopy
    ? "their normalised texts are the same, so the hash of the text as it is decides, then the id"
    : "the hash of the normalised text decides";
  const longer = (): string =>
    other.normalizedBytes > own.normalizedBytes
      ? `it has more normalised text, ${bytes(other.normalizedBytes)} against ${bytes(own.normalizedBytes)}`
      : `both have ${bytes(own.normalizedBytes)} of normalised text: ${byHash}`;
  switch (policy.kind) {
    case "first":
      return "it comes first in the input";
    case "longest":
      return longer();
    case "source": {
      // Sources that are not listed come last, all alike.
      const place = ({ source = "" }: PolicyKey): number => policy.sources.indexOf(source);
      if (place(own) === place(other)) return `both sources rank alike under "${keep}", and ${longer()}`;
      return `its source ${other.source} ranks before ${own.source} under "${keep}"`;
    }
    default: {
      const shown = ({ score }: PolicyKey): string => (score === undefined ? "none" : String(score));
      if (own.score === other.score) return `both have ${shown(own)} in ${policy.field}: ${byHash}`;
      return `its ${policy.field} is ${shown(other)}, against ${shown(own)}`;
    }
  }
}
