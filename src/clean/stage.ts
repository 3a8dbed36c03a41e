// The clean stage: corpus files in, JSON lines with normalised texts and unique ids out, rejected records beside them.
// Every normalisation and filter of Millrace lives here.
//
//   blocks       map         read, the rules of rules.ts           work: part-B, ids-B, rejected-B; rewritten/rewritten-B.jsonl
//   duplicates   partition   ids that stand twice in the run       work: duplicates-S-B (usually none)
//   rejects      reduce      one ordered file, the threshold       rejected/rejected.jsonl
//   publish      map         parts without the refused rows        part-B.jsonl
import { basename } from "node:path";
import { readOptionsOf } from "../formats/corpus.js";
import { REJECTED_PREFIX } from "../formats/rejected.js";
import type { FileRef, Json, Phase, PhaseContext, Stage, Task } from "../records/stage.js";
import { type BlockArgs, summaryOf } from "./block-task.js";
import { type CleanConfig, cleanSchema } from "./config.js";
import { type DuplicatesArgs, duplicatesOf, planShares } from "./duplicates-task.js";
import { checkBadWords } from "./filters/bad-words.js";
import { blockedUrlsFiles, checkBlockedUrls } from "./filters/blocked-urls.js";
import { checkListedTitles } from "./filters/listed-titles.js";
import { checkLengthUnit, lengthUnitFiles } from "./min-tokens.js";
import type { PublishArgs } from "./publish-task.js";
import type { RejectsArgs } from "./rejects-task.js";
import { idleRuleNotes } from "./sources-seen.js";
import { isPart } from "./work-files.js";

/** Raise it when the bytes of an output change, so also with the version of Unicode in native/text. */
const VERSION = 3;

type Context = PhaseContext<CleanConfig>;

function task(id: string, run: string, args: BlockArgs | DuplicatesArgs | RejectsArgs | PublishArgs): Task {
  return { id, run, args: args as unknown as Json };
}

async function* planBlocks({ reader, inputs, config }: Context, isDone: (id: string) => boolean): AsyncIterable<Task> {
  for await (const { ref, payload } of reader.plan(inputs, readOptionsOf(config), isDone)) {
    yield { ...task(ref.id, "clean/block", { ref, config }), payload, sizeBytes: ref.end - ref.start };
  }
}

function planDuplicates(context: Context): Task[] {
  const blocks = context.results("blocks").map(summaryOf);
  const numKept = blocks.reduce((sum, block) => sum + block.numKept, 0);
  const kept = blocks.filter((block) => block.numKept > 0).map(({ block, file }) => ({ block, file }));
  if (kept.length === 0) return [];
  return planShares(numKept).map((share) => task(share.share, "clean/duplicates", { ...share, blocks: kept }));
}

/** The shares that refuse rows of a block. */
function sharesByBlock(context: Context): (block: string) => string[] {
  const shares = new Map<string, string[]>();
  for (const { share, blocks } of context.results("duplicates").map(duplicatesOf)) {
    for (const block of blocks) shares.set(block, [...(shares.get(block) ?? []), share]);
  }
  return (block) => shares.get(block) ?? [];
}

function planRejects(context: Context): Task[] {
  const sharesOf = sharesByBlock(context);
  const blocks = context
    .results("blocks")
    .map(summaryOf)
    .map((block) => ({ ...block, shares: sharesOf(block.block) }));
  const counts: Record<string, number> = {};
  for (const [name, count] of context.results("blocks").flatMap((result) => Object.entries(result.counts))) {
    if (name.startsWith(REJECTED_PREFIX)) counts[name] = (counts[name] ?? 0) + count;
  }
  const numDuplicates = context.results("duplicates").reduce((sum, result) => sum + duplicatesOf(result).numRefused, 0);
  const { maxRejectedFraction } = context.config;
  const notes = idleRuleNotes(
    context.config,
    blocks.map(({ sources }) => sources),
  );
  return [task("rejects", "clean/rejects", { blocks, counts, numDuplicates, maxRejectedFraction, notes })];
}

function planPublish(context: Context): Task[] {
  const sharesOf = sharesByBlock(context);
  return context.results("blocks").flatMap((result) => {
    const { block, numKept } = summaryOf(result);
    const part = result.outputs.find(({ path }) => isPart(basename(path)));
    if (part === undefined) return [];
    const { sizeBytes, digest } = part;
    return [task(block, "clean/publish", { block, numKept, part: { sizeBytes, digest }, shares: sharesOf(block) })];
  });
}

const phases: readonly Phase<CleanConfig>[] = [
  { name: "blocks", kind: "map", plan: planBlocks },
  { name: "duplicates", kind: "partition", plan: planDuplicates },
  { name: "rejects", kind: "reduce", plan: planRejects },
  { name: "publish", kind: "map", plan: planPublish },
];

export const cleanStage: Stage<CleanConfig> = {
  name: "clean",
  version: VERSION,
  schema: cleanSchema,
  /** Lists and tokenizers that cannot be read are refused before anything else is. */
  async check({ badWords, blockedUrls, listedTitles, minTokens, tokenizer }) {
    if (minTokens > 0) checkLengthUnit(tokenizer);
    if (badWords) checkBadWords(badWords);
    if (blockedUrls) checkBlockedUrls(blockedUrls);
    if (listedTitles) checkListedTitles(listedTitles);
  },
  configFiles: ({ badWords, blockedUrls, listedTitles, minTokens, tokenizer }) => [
    ...(minTokens > 0 ? lengthUnitFiles(tokenizer) : []),
    ...(badWords ? [badWords.file] : []),
    ...(blockedUrls ? blockedUrlsFiles(blockedUrls) : []),
    ...(listedTitles ? [listedTitles.file] : []),
  ],
  phases,
  // It decides whether the run stops, not what it writes: raising it goes on with the work already done.
  runtimeKeys: ["maxRejectedFraction"],
  dataOutputs: (_dir, outputs: readonly FileRef[]) => outputs.filter(({ path }) => isPart(basename(path))),
};
