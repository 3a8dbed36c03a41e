// `millrace dedup verify`: recomputes what a finished dedup claims, from its inputs and outputs alone, by a second implementation on
// strings: without the addon, without the stage's code, without its reader. The laws are in violations.ts.
import { invalid } from "../base/errors.js";
import { identityOf } from "../base/storage/index.js";
import { REJECTED_PREFIX } from "../formats/rejected.js";
import { findDamage } from "../run/stage-file.js";
import { type Accounts, accountFor } from "./account.js";
import { type DedupOutput, readDedupOutput, requireInputs } from "./dedup-output.js";
import { checkExact, type ExactCheck } from "./exact.js";
import { comparePairs } from "./pairs.js";
import { LAWS, type Law, Violations } from "./violations.js";

export interface VerifyProgress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  readonly unit: string;
}

export interface VerifyOptions {
  readonly dir: string;
  /** How many violations of each law are listed. */
  readonly limit?: number | undefined;
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined;
}

export interface LawResult {
  readonly law: Law;
  readonly says: string;
  readonly violations: number;
  readonly first: readonly string[];
}

export interface VerifyResult {
  readonly dir: string;
  readonly records: number;
  readonly kept: number;
  readonly removed: number;
  readonly rejected: number;
  /** Removed documents whose similarity with their witness was recomputed. */
  readonly compared: number;
  /** Not recomputed: texts with characters that this Node's Unicode does not know. */
  readonly undecided: number;
  readonly unicode: string;
  /** With --exact: how much was searched for pairs that should not be. */
  readonly exact?: ExactCheck | undefined;
  readonly bytes: number;
  readonly seconds: number;
  readonly violations: number;
  /** The laws that apply, in order. */
  readonly laws: readonly LawResult[];
}

const DEFAULT_LIMIT = 5;
/** Of the stage whose laws these are; a test compares it with the stage's own. */
export const AUDITED_VERSION = 3;

export async function verifyDedup({ dir, limit = DEFAULT_LIMIT, onProgress }: VerifyOptions): Promise<VerifyResult> {
  const start = performance.now();
  const output = await readDedupOutput(dir);
  if (output.stage.version !== AUDITED_VERSION) {
    const got = `version ${output.stage.version}`;
    throw invalid("config-input", `expected the output of dedup's version ${AUDITED_VERSION}, got ${got}`, {
      where: { file: dir },
      hint: "verify it with the program that wrote it, or run dedup again",
    });
  }
  requireInputs(output);
  await requireSameInputs(output);
  const violations = new Violations(limit);
  const damage = await findDamage(dir, output.stage.outputs, true);
  if (damage !== undefined) violations.add("files", damage);

  const counter = (phase: string, unit: string, total: number): ((amount: number) => void) => {
    let done = 0;
    return (amount) => {
      done += amount;
      onProgress?.({ phase, done, total, unit });
    };
  };
  const bytes = output.inputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const accounts = await accountFor(output, violations, counter("records", "bytes", bytes));
  checkCounts(output, accounts, violations);
  const { numRows } = accounts.removed;
  const pairs = await comparePairs(output, accounts, violations, counter("pairs", "pairs", numRows));
  const exact = output.exact
    ? await checkExact(output, accounts, violations, counter("exact", "bytes", bytes))
    : undefined;
  const laws = (Object.keys(LAWS) as Law[])
    .filter((law) => output.exact || (law !== "exact" && law !== "best-witness"))
    .map((law) => ({ law, says: LAWS[law], violations: violations.count(law), first: violations.first(law) }));
  return {
    dir,
    records: accounts.numRecords,
    kept: accounts.numKept,
    removed: numRows,
    rejected: accounts.numRejected,
    ...pairs,
    unicode: process.versions.unicode ?? "none",
    ...(exact === undefined ? {} : { exact }),
    bytes,
    seconds: (performance.now() - start) / 1000,
    violations: violations.total,
    laws,
  };
}

/** Other bytes in an input would break every law for no fault of dedup's. */
async function requireSameInputs({ inputs }: DedupOutput): Promise<void> {
  for (const { path, digest } of inputs) {
    const found = await identityOf(path);
    if (found.digest === digest) continue;
    throw invalid("input-changed", `expected digest ${digest} of dedup's input, got ${found.digest}`, {
      where: { file: path },
      hint: "the input is not what dedup read; run dedup again",
    });
  }
}

function checkCounts({ stage }: DedupOutput, accounts: Accounts, violations: Violations): void {
  const found: Record<string, number> = {
    documents_read: accounts.numRecords,
    documents_kept: accounts.numKept,
    documents_removed: accounts.removed.numRows,
  };
  for (const [reason, count] of Object.entries(accounts.rejectedBy)) found[REJECTED_PREFIX + reason] = count;
  for (const name of Object.keys(stage.counts)) if (name.startsWith(REJECTED_PREFIX)) found[name] ??= 0;
  for (const [name, count] of Object.entries(found)) {
    const said = stage.counts[name] ?? 0;
    if (said !== count) violations.add("files", `stage.json says ${said} for ${name}, the files ${count}`);
  }
}
