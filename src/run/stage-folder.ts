// What lies in a stage's folder before it runs: a finished result, an unfinished one that can go on, one that is of no use any
// more, or something that is not ours to touch.
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { isPartial, removePartials } from "../base/atomic.js";
import { invalid } from "../base/errors.js";
import { JOURNAL_NAME, type JournalContent, readJournal } from "./journal.js";
import { findDamage, readStageFile, STAGE_FILE_NAME, type StageFile } from "./stage-file.js";
import { differOnlyIn, explainChange, type StageIdentity } from "./stage-key.js";

/** Files between phases; gone when the stage has committed. */
export const WORK_NAME = ".work";
/** The run's own: lock and digest cache, plan, summary and report. In a flat layout they lie beside the stage's files. */
export const CONTROL_NAME = ".millrace";
export const PLAN_NAME = "plan.yaml";
export const SUMMARY_NAME = "summary.json";
export const REPORT_NAME = "report.html";
const RUN_NAMES: readonly string[] = [CONTROL_NAME, PLAN_NAME, SUMMARY_NAME, REPORT_NAME];

export type FolderState =
  | { readonly kind: "committed"; readonly file: StageFile }
  | { readonly kind: "unfinished"; readonly journal: JournalContent }
  | { readonly kind: "stale"; readonly reason: string }
  /** A process can go on from what it has: only records of the result are out of date. */
  | { readonly kind: "continuable"; readonly reason: string }
  | { readonly kind: "empty" };

export async function inspectFolder(
  dir: string,
  key: string,
  identity: StageIdentity,
  continuationKeys: readonly string[],
  verify: boolean,
): Promise<FolderState> {
  const changed = (before: StageIdentity): FolderState => {
    // Somebody's other work: who asks for this stage cannot mean to replace it.
    if (before.stage !== identity.stage) throw occupied(dir, `the result of ${before.stage}`);
    const kind = differOnlyIn(before, identity, continuationKeys) ? "continuable" : "stale";
    return { kind, reason: explainChange(before, identity) };
  };
  const names = (await readdir(dir).catch(() => [])).filter((name) => !RUN_NAMES.includes(name) && !isPartial(name));
  // A run that was killed before it had a journal leaves no more than this.
  if (names.every((name) => name === WORK_NAME)) return { kind: "empty" };
  const file = await readStageFile(dir);
  if (file !== undefined) {
    if (file.key !== key) {
      const { stage, version, config } = file;
      return changed({ stage, version, config, inputs: file.inputs.map(({ name, digest }) => ({ name, digest })) });
    }
    const damage = await findDamage(dir, file.outputs, verify);
    if (damage === undefined) return { kind: "committed", file };
    // Such a process tells by itself what of its state is whole.
    return { kind: continuationKeys.length > 0 ? "continuable" : "stale", reason: damage };
  }
  if (!names.includes(JOURNAL_NAME)) {
    throw occupied(dir, names[0]!);
  }
  const journal = await readJournal(dir);
  if (journal.header === undefined) return { kind: "stale", reason: "its journal has no readable beginning" };
  if (journal.header.key === key) return { kind: "unfinished", journal };
  const { stage, version, config, inputs } = journal.header;
  return changed({ stage, version, config, inputs });
}

function occupied(dir: string, found: string): Error {
  return invalid(
    "config-out",
    `expected an empty folder or one of an earlier run for the output, got ${dir} with ${found}`,
    { hint: "choose another folder, or empty this one" },
  );
}

/** Where the folder's files can be kept: nothing is there yet. */
export function previousOf(dir: string): string {
  for (let number = 1; ; number++) {
    const previous = `${dir}.previous${number === 1 ? "" : `-${number}`}`;
    if (!existsSync(previous)) return previous;
  }
}

/**
 * Empties the folder. The journal goes last: while it is there, the next run knows that the folder is ours. The result of a
 * process that governs itself (a training run) may have cost days, so its files go to the folder `previous`. None of those
 * is ever removed: who gave a wrong setting, and then the right one again, would lose the run that was meant.
 */
export async function clearFolder(dir: string, previous: string | undefined): Promise<void> {
  if (previous !== undefined) await mkdir(previous, { recursive: true });
  const rank = (name: string): number => (name === STAGE_FILE_NAME ? 0 : name === JOURNAL_NAME ? 2 : 1);
  const names = (await readdir(dir)).filter((name) => !RUN_NAMES.includes(name)).sort((a, b) => rank(a) - rank(b));
  for (const name of names) {
    if (previous !== undefined) await rename(join(dir, name), join(previous, name));
    else await rm(join(dir, name), { recursive: true, force: true });
  }
}

/** Takes back the commit; the journal is begun anew by whoever goes on. */
export async function reopenFolder(dir: string): Promise<void> {
  await rm(join(dir, STAGE_FILE_NAME), { force: true });
}

/** Makes the folders and sweeps what killed writers left. */
export async function openFolder(dir: string): Promise<string> {
  const workDir = join(dir, WORK_NAME);
  await mkdir(workDir, { recursive: true });
  await removePartials(dir, { below: true });
  return workDir;
}
