// `millrace explain DOC-ID`: what happened to one document in every stage that a folder holds. Files are scanned for the bytes of the
// id; nothing is parsed but the lines found.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { invalid } from "../base/errors.js";
import { MANIFEST_FILE } from "../formats/manifest.js";
import { REJECTED_FILE } from "../formats/rejected.js";
import { isRewritten, type RewrittenRecord } from "../formats/rewritten.js";
import type { RejectedRecord } from "../records/document-block.js";
import { readStageFile, STAGE_FILE_NAME, type StageFile } from "../run/stage-file.js";
import { readDedupOutput } from "./dedup-output.js";
import { type DedupStory, explainDedup } from "./explain-dedup.js";
import { explainShards, type ShardsStory } from "./explain-shards.js";
import { findInLines, idsLike, rejectedWith, rewrittenWith } from "./find-record.js";
import type { RecordFields } from "./record.js";

export interface CleanStory {
  readonly stage: "clean";
  readonly dir: string;
  readonly kept?: { readonly file: string; readonly offset: number } | undefined;
  /** Records with this id that were rejected. */
  readonly rejected: readonly RejectedRecord[];
  /** Records with this id whose texts were changed: by which rules, and where they stand as they were read. */
  readonly rewritten: readonly RewrittenRecord[];
}

export type StageStory = CleanStory | DedupStory | ShardsStory;

export interface Explanation {
  readonly id: string;
  readonly dir: string;
  /** In the data's order; a stage that never saw the document says so. */
  readonly stages: readonly StageStory[];
}

interface Folder {
  readonly dir: string;
  readonly file: StageFile | undefined;
}

/** Stage by the folder it has in a run. */
const STAGE_FOLDERS = { clean: "clean", dedup: "dedup", shard: "shards" } as const;
/** What `clean` writes, whatever its input called them. */
const CLEAN_FIELDS: RecordFields = {
  text: ["text"],
  id: ["id"],
  source: ["source"],
  score: [],
  maxDocumentBytes: Number.POSITIVE_INFINITY,
};
const NUM_SUGGESTIONS = 5;

/** `dir`: of a run or of one stage. Throws `config-input` when no stage there knows the id. */
export async function explain(id: string, dir: string): Promise<Explanation> {
  const folders = await stageFolders(dir);
  if (Object.keys(folders).length === 0) {
    throw invalid("config-input", `expected the folder of a run or of clean, dedup or shard, got ${dir}`, {
      hint: "name it with --in",
    });
  }
  const stages: StageStory[] = [];
  if (folders.clean !== undefined) stages.push(explainClean(id, folders.clean));
  if (folders.dedup !== undefined) stages.push(await explainDedup(id, await readDedupOutput(folders.dedup.dir)));
  if (folders.shard !== undefined) stages.push(await explainShards(id, folders.shard.dir));
  if (!stages.some(knows)) throw await unknownId(id, dir, folders);
  return { id, dir, stages };
}

function knows(story: StageStory): boolean {
  if (story.stage === "shard") return story.rows.length > 0;
  return (
    story.kept !== undefined || story.rejected.length > 0 || (story.stage === "dedup" && story.removed !== undefined)
  );
}

async function stageFolders(dir: string): Promise<Partial<Record<keyof typeof STAGE_FOLDERS, Folder>>> {
  const found: Partial<Record<keyof typeof STAGE_FOLDERS, Folder>> = {};
  for (const [stage, folder] of Object.entries(STAGE_FOLDERS) as [keyof typeof STAGE_FOLDERS, string][]) {
    for (const place of [join(dir, folder), dir]) {
      const file = await readStageFile(place);
      // Shards may have been copied away from the stage that made them.
      const isShards = stage === "shard" && file === undefined && existsSync(join(place, MANIFEST_FILE));
      if (found[stage] === undefined && (file?.stage === stage || isShards)) found[stage] = { dir: place, file };
    }
  }
  return found;
}

/** The files of documents that clean wrote. */
function partsOf({ dir, file }: Folder): string[] {
  const paths = (file?.outputs ?? []).map(({ path }) => path);
  return paths
    .filter((path) => path !== REJECTED_FILE && !isRewritten(path) && path.endsWith(".jsonl"))
    .map((path) => join(dir, path));
}

function explainClean(id: string, folder: Folder): CleanStory {
  const { dir, file } = folder;
  let kept: CleanStory["kept"];
  for (const path of partsOf(folder)) {
    const found = findInLines(path, id, CLEAN_FIELDS);
    if (found === undefined) continue;
    kept = { file: found.file, offset: found.offset };
    break;
  }
  const changes = (file?.outputs ?? []).filter(({ path }) => isRewritten(path)).map(({ path }) => join(dir, path));
  return { stage: "clean", dir, kept, rejected: rejectedWith(id, dir), rewritten: rewrittenWith(id, changes) };
}

async function unknownId(
  id: string,
  dir: string,
  { clean, dedup }: Partial<Record<keyof typeof STAGE_FOLDERS, Folder>>,
): Promise<Error> {
  const paths: [string, RecordFields][] = [];
  if (dedup !== undefined) {
    const { fields } = await readDedupOutput(dedup.dir);
    paths.push([join(dedup.dir, "kept.jsonl"), fields]);
  }
  if (clean !== undefined) paths.push(...partsOf(clean).map((path): [string, RecordFields] => [path, CLEAN_FIELDS]));
  const near = new Set<string>();
  for (const [path, fields] of paths) {
    for (const one of idsLike(path, id, fields, NUM_SUGGESTIONS - near.size)) near.add(one);
    if (near.size >= NUM_SUGGESTIONS) break;
  }
  const hint = near.size === 0 ? "ids are compared to the letter" : `did you mean ${[...near].join(", ")}?`;
  return invalid("config-input", `expected the id of a document of ${dir}, got "${id}", which no stage there knows`, {
    hint,
  });
}

/**
 * Where to look when no folder is named: here, when this is the folder of a run or stage, else the newest run under runs/.
 */
export function defaultFolder(cwd: string): string {
  const isStage = (dir: string): boolean => existsSync(join(dir, STAGE_FILE_NAME));
  const isRun = (dir: string): boolean =>
    isStage(dir) || Object.values(STAGE_FOLDERS).some((folder) => isStage(join(dir, folder)));
  if (isRun(cwd)) return cwd;
  const runs = join(cwd, "runs");
  const names = existsSync(runs) ? readdirSync(runs) : [];
  const newest = names
    .map((name) => join(runs, name))
    .filter((dir) => statSync(dir).isDirectory() && isRun(dir))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  if (newest !== undefined) return newest;
  throw invalid("config-option", "expected a run here or under runs/ for --in, found none", {
    hint: "name the folder of a run or of a stage: --in DIR",
  });
}
