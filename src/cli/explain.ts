// `millrace explain DOC-ID`: what happened to one document in every stage, in sentences or as JSON.

import type { CleanStory, Explanation, StageStory } from "../audit/explain.js";
import type { DedupStory, PolicyKey, Removal } from "../audit/explain-dedup.js";
import type { ShardsStory } from "../audit/explain-shards.js";
import type { SideText } from "../audit/side-by-side.js";
import type { RejectedRecord } from "../records/document-block.js";
import type { Command } from "./command-line.js";

interface ExplainOptions {
  readonly in?: string;
  readonly json?: boolean;
}

export function addExplainCommand(program: Command): void {
  program
    .command("explain")
    .argument("<doc-id>", "id of a document; -- before one that begins with a dash")
    .description("tell what happened to a document: kept or removed, for which other document and why, in which shard")
    .option("--in <dir>", "folder of a run or of one stage (default: this folder, or the newest run under runs/)")
    .option("--json", "print JSON")
    .action(run);
}

async function run(id: string, options: ExplainOptions): Promise<void> {
  const { defaultFolder, explain } = await import("../audit/explain.js");
  const explanation = await explain(id, options.in ?? defaultFolder(process.cwd()));
  if (options.json === true) {
    const withoutTexts = (key: string, value: unknown): unknown => (key === "texts" ? undefined : value);
    process.stdout.write(`${JSON.stringify(explanation, withoutTexts, 2)}\n`);
    return;
  }
  const { sideBySide } = await import("../audit/side-by-side.js");
  process.stdout.write(`${textOf(explanation, sideBySide).join("\n")}\n`);
}

type SideBySide = (a: SideText, b: SideText, width: number) => string[];

const DEFAULT_WIDTH = 120;

function textOf({ id, dir, stages }: Explanation, sideBySide: SideBySide): string[] {
  const lines = [`${JSON.stringify(id)} in ${dir}`];
  for (const story of stages) lines.push(...storyLines(story).map((line, i) => (i === 0 ? line : `         ${line}`)));
  for (const story of stages) {
    if (story.stage !== "dedup" || story.texts === undefined || story.removed === undefined) continue;
    const [own, other] = story.texts;
    const width = Math.max(60, process.stdout.columns ?? DEFAULT_WIDTH);
    lines.push(
      "",
      ...sideBySide({ title: `removed: ${id}`, ...own }, { title: `kept: ${story.removed.witness}`, ...other }, width),
    );
  }
  return lines;
}

function storyLines(story: StageStory): string[] {
  if (story.stage === "clean") return cleanLines(story);
  return story.stage === "dedup" ? dedupLines(story) : shardLines(story);
}

function cleanLines({ kept, rejected, rewritten }: CleanStory): string[] {
  const lines = rejected.map((record) => rejectedLine("clean", record));
  if (kept !== undefined) lines.unshift(`clean    kept: ${kept.file}, byte ${number(kept.offset)}`);
  if (lines.length > 0) {
    for (const { rules, file, offset } of rewritten) {
      lines.push(`rewritten by ${rules.join(", ")}; as it was read: ${file}, byte ${number(offset)}`);
    }
  }
  return lines.length > 0 ? lines : ["clean    has no document with this id"];
}

function dedupLines({ kept, removed, rejected, keep, threshold, shingle }: DedupStory): string[] {
  const lines: string[] = [];
  if (removed !== undefined) lines.push(...removalLines(removed, `threshold ${threshold}, ${shingle}, keep ${keep}`));
  if (kept !== undefined) {
    lines.push(`dedup    kept: ${kept.file}, byte ${number(kept.offset)}`);
    lines.push(
      kept.removed === 0 ? "no document was removed for its sake" : `${number(kept.removed)} removed for its sake:`,
    );
    lines.push(...kept.first.map(({ id, jaccard }) => `  ${id} (similarity ${jaccard})`));
    if (kept.removed > kept.first.length) lines.push(`  and ${number(kept.removed - kept.first.length)} more`);
  }
  lines.push(...rejected.map((record) => rejectedLine(lines.length === 0 ? "dedup" : "", record).trimStart()));
  return lines.length > 0 ? lines : ["dedup    has no document with this id"];
}

function removalLines(removed: Removal, choices: string): string[] {
  const { line, witness, jaccard, exactCopy, common, union, own, other, why } = removed;
  const what = exactCopy ? "as an exact copy of" : "as a near-duplicate of";
  const lines = [`dedup    removed ${what} ${JSON.stringify(witness)} (line ${number(line)} of removed.jsonl)`];
  const recomputed =
    common === undefined || union === undefined
      ? ""
      : `; recomputed: ${number(common)} of ${number(union)} shingles in common, ${common / union}`;
  lines.push(`similarity ${jaccard} recorded${recomputed} (${choices})`);
  lines.push(`${JSON.stringify(witness)} comes first: ${why}`);
  if (own !== undefined && other !== undefined) lines.push(keyLine("removed", own), keyLine("kept", other));
  return lines;
}

function keyLine(role: string, { file, offset, source, normalizedBytes, score }: PolicyKey): string {
  const sourced = source === undefined ? "" : `, source ${source}`;
  const scored = score === undefined ? "" : `, score ${score}`;
  return `${role.padEnd(8)} ${number(normalizedBytes)} bytes normalised${sourced}${scored}; ${file}, byte ${number(offset)}`;
}

function shardLines({ rows }: ShardsStory): string[] {
  if (rows.length === 0) return ["shards   have no document with this id"];
  return rows.map(({ file, split, row, tokens }, i) => {
    const place = `${file} (${split}), row ${number(row)}, ${number(tokens)} tokens with the end of document`;
    return i === 0 ? `shards   ${place}` : place;
  });
}

function rejectedLine(stage: string, { file, offset, line, reason, detail }: RejectedRecord): string {
  const why = detail === undefined ? reason : `${reason}, ${detail}`;
  return `${stage.padEnd(8)} rejected: ${why}; ${file}${line > 0 ? `:${line}` : ""}, byte ${number(offset)}`;
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}
