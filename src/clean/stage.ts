// The clean stage: corpus files in, JSON lines with normalised texts and unique ids out, rejected records beside them.
// Every normalisation and filter of Millrace lives here.
//
//   blocks       map         read, the rules of rules.ts           work: part-B, ids-B, rejected-B
//   duplicates   partition   ids that stand twice in the run       work: duplicates-S-B (usually none)
//   rejects      reduce      one ordered file, the threshold       rejected/rejected.jsonl
//   publish      map         parts without the refused rows        part-B.jsonl
import { basename } from "node:path";
import { readOptionsOf } from "../formats/corpus.js";
import type { FileRef, Json, Phase, PhaseContext, Stage, Task } from "../records/stage.js";
import { type BlockArgs, summaryOf } from "./block-task.js";
import { type CleanConfig, cleanSchema } from "./config.js";
import { type DuplicatesArgs, duplicatesOf, planShares } from "./duplicates-task.js";
import { blockedUrlsFiles, checkBlockedUrls } from "./filters/blocked-urls.js";
import { checkListedTitles } from "./filters/listed-titles.js";
import type { PublishArgs } from "./publish-task.js";
import type { RejectsArgs } from "./rejects-task.js";
import { isPart } from "./work-files.js";

/** Raise it when the bytes of an output change, so also with the version of Unicode in native/text. */
const VERSION = 1;

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
  const { maxRejectedFraction } = context.config;
  return [task("rejects", "clean/rejects", { blocks, maxRejectedFraction })];
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
  /** Lists that cannot be read are refused before anything else is. */
  async check({ blockedUrls, listedTitles }) {
    if (blockedUrls) checkBlockedUrls(blockedUrls);
    if (listedTitles) checkListedTitles(listedTitles);
  },
  configFiles: ({ blockedUrls, listedTitles }) => [
    ...(blockedUrls ? blockedUrlsFiles(blockedUrls) : []),
    ...(listedTitles ? [listedTitles.file] : []),
  ],
  phases,
  // It decides whether the run stops, not what it writes: raising it goes on with the work already done.
  runtimeKeys: ["maxRejectedFraction"],
  dataOutputs: (_dir, outputs: readonly FileRef[]) => outputs.filter(({ path }) => isPart(basename(path))),
};
