// stage.json: the commit of a stage. It appears, whole, only when every output is in place; without it a stage is unfinished.
// docs/formats/journal.md
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.js";
import { digestFile } from "../base/digest.js";
import { invalid } from "../base/errors.js";
import type { FileRef, Json } from "../records/stage.js";

export const STAGE_FILE_NAME = "stage.json";
const STAGE_FILE_FORMAT = 1;

export interface StageFile {
  readonly format: number;
  readonly stage: string;
  readonly version: number;
  readonly key: string;
  /** Without the keys that change how fast, not what. */
  readonly config: Json;
  readonly inputs: readonly (FileRef & { readonly name: string })[];
  /** Paths relative to the stage's folder. */
  readonly outputs: readonly FileRef[];
  readonly counts: Readonly<Record<string, number>>;
  /** What the user was told of; the first of them, where there are many. */
  readonly notes?: readonly string[];
  readonly seconds: number;
  readonly phases: readonly { readonly name: string; readonly tasks: number; readonly seconds: number }[];
}

/** Undefined when the folder holds no committed stage. */
export async function readStageFile(dir: string): Promise<StageFile | undefined> {
  const path = join(dir, STAGE_FILE_NAME);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  let value: StageFile;
  try {
    value = JSON.parse(text) as StageFile;
  } catch (error) {
    throw invalid("stage-file-damaged", `expected JSON in ${path}, got something else`, {
      hint: "remove that file: the stage is then done again",
      cause: error,
    });
  }
  if (value.format !== STAGE_FILE_FORMAT) {
    throw invalid(
      "stage-file-version",
      `expected format ${STAGE_FILE_FORMAT} in ${path}, got ${String(value.format)}`,
      {
        hint: "run the stage again with this version",
      },
    );
  }
  return value;
}

export async function writeStageFile(dir: string, content: Omit<StageFile, "format">): Promise<StageFile> {
  const file: StageFile = { format: STAGE_FILE_FORMAT, ...content };
  await writeFileAtomic(join(dir, STAGE_FILE_NAME), `${JSON.stringify(file, null, 2)}\n`);
  return file;
}

/** The first output that is not what was recorded, as a sentence; undefined when all are. */
export async function findDamage(
  dir: string,
  outputs: readonly FileRef[],
  checkDigests: boolean,
): Promise<string | undefined> {
  for (const output of outputs) {
    const path = join(dir, output.path);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) return `${output.path} is missing`;
    if (found.size !== output.sizeBytes) return `${output.path} has ${found.size} bytes instead of ${output.sizeBytes}`;
    if (checkDigests && (await digestFile(path)).digest !== output.digest)
      return `${output.path} has other bytes than were written`;
  }
  return undefined;
}
