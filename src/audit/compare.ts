// `millrace dedup compare`: documents that two finished dedups of the same inputs decided differently, each traced to the pair that
// one of the two missed. Two dedups may differ in nothing else: they fold the same copies, keep the same order and verify alike,
// so where they differ, one of them never compared two documents above the threshold.
import { canonicalJson } from "../base/digest.js";
import { invalid } from "../base/errors.js";
import { type Accounts, accountFor } from "./account.js";
import { type DedupOutput, readDedupOutput, requireInputs } from "./dedup-output.js";
import { KEPT, NO_DOCUMENT, REMOVED } from "./tables.js";
import { type Difference, type Side, Tracer } from "./trace.js";
import { AUDITED_VERSION } from "./verify.js";
import { LAWS, type Law, Violations } from "./violations.js";

export interface Comparison {
  readonly a: ComparedOutput;
  readonly b: ComparedOutput;
  /** Documents of the inputs, each id once. */
  readonly documents: number;
  /** In input order. */
  readonly differences: readonly Difference[];
  readonly numTraced: number;
  readonly numUntraceable: number;
  /** Different pairs that each missed. */
  readonly missedPairs: { readonly a: number; readonly b: number };
}

export interface ComparedOutput {
  readonly dir: string;
  readonly engine: string;
  readonly exact: boolean;
  readonly kept: number;
  readonly removed: number;
  readonly rejected: number;
  /** What is wrong with the output by itself: the laws of `dedup verify` that reading it found broken. */
  readonly violations: readonly string[];
}

export interface CompareOptions {
  readonly dirA: string;
  readonly dirB: string;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Of each law. */
const MAX_VIOLATIONS = 5;

/** Settings that must be the same for the decisions to be comparable. */
const SAME_SETTINGS = ["threshold", "shingle", "keep", "textField", "idField", "sourceField", "maxDocumentBytes"];

export async function compareDedups({ dirA, dirB, onProgress }: CompareOptions): Promise<Comparison> {
  const outputs = [await readDedupOutput(dirA), await readDedupOutput(dirB)] as const;
  requireComparable(...outputs);
  const total = 2 * outputs[0].inputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let done = 0;
  const report = (bytes: number): void => {
    done += bytes;
    onProgress?.(done, total);
  };
  const a = await readSide(outputs[0], report);
  const b = await readSide(outputs[1], report);
  const differences = await traceAll(a, b);
  const pairs = { a: new Set<string>(), b: new Set<string>() };
  for (const { missed } of differences)
    if (missed !== undefined) pairs[missed.by].add(canonicalJson([missed.id, missed.kept]));
  const numTraced = differences.filter(({ missed }) => missed !== undefined).length;
  return {
    a: summaryOf(a),
    b: summaryOf(b),
    documents: a.accounts.documents.numRows,
    differences,
    numTraced,
    numUntraceable: differences.length - numTraced,
    missedPairs: { a: pairs.a.size, b: pairs.b.size },
  };
}

function requireComparable(a: DedupOutput, b: DedupOutput): void {
  for (const { dir, stage } of [a, b]) {
    if (stage.version === AUDITED_VERSION) continue;
    const got = `version ${stage.version}`;
    throw invalid("config-input", `expected the output of dedup's version ${AUDITED_VERSION}, got ${got}`, {
      where: { file: dir },
      hint: "compare it with the program that wrote it, or run dedup again",
    });
  }
  const settings = ({ stage }: DedupOutput): Record<string, unknown> => stage.config as Record<string, unknown>;
  for (const name of SAME_SETTINGS) {
    const [inA, inB] = [settings(a)[name], settings(b)[name]].map((value) => canonicalJson(value ?? null));
    if (inA !== inB) throw notComparable(name, inA!, inB!);
  }
  if (a.inputs.length !== b.inputs.length) {
    throw notComparable("inputs", `${a.inputs.length} files`, `${b.inputs.length}`);
  }
  for (const [i, input] of a.inputs.entries()) {
    const other = b.inputs[i]!;
    if (input.digest === other.digest && input.source === other.source) continue;
    throw notComparable(`input ${i + 1}`, `${input.path} (${input.digest})`, `${other.path} (${other.digest})`);
  }
  requireInputs(a);
  requireInputs(b);
}

function notComparable(name: string, a: string, b: string): Error {
  return invalid("config-input", `expected two dedups with the same ${name}, got ${a} and ${b}`, {
    hint: "run dedup on the same inputs with the same settings; engine, bands, rows, seed and exact may differ",
  });
}

async function readSide(output: DedupOutput, report: (bytes: number) => void): Promise<Side> {
  const violations = new Violations(MAX_VIOLATIONS);
  const accounts = await accountFor(output, violations, report);
  return { output, accounts, violations, lineOf: linesByDocument(accounts) };
}

/** Line of removed.jsonl by document; NO_DOCUMENT: none. */
function linesByDocument({ documents, removed }: Accounts): Uint32Array {
  const lines = new Uint32Array(documents.numRows).fill(NO_DOCUMENT);
  for (let line = 0; line < removed.numRows; line += 1) {
    const document = removed.document[line]!;
    if (document !== NO_DOCUMENT) lines[document] = line;
  }
  return lines;
}

async function traceAll(a: Side, b: Side): Promise<Difference[]> {
  const tracer = new Tracer(a, b);
  try {
    const rows: number[] = [];
    for (let row = 0; row < a.accounts.documents.numRows; row += 1) if (isDifferent(a, b, row)) rows.push(row);
    await tracer.prepare(rows);
    return rows.map((row) => tracer.difference(row));
  } finally {
    tracer.close();
  }
}

function isDifferent(a: Side, b: Side, row: number): boolean {
  const [fateA, fateB] = [a, b].map(({ accounts }) => accounts.documents.fate[row]!);
  // A document that one of the two has lost is reported even when both have.
  if (fateA !== fateB || (fateA !== KEPT && fateA !== REMOVED)) return true;
  if (fateA === KEPT) return false;
  const [lineA, lineB] = [a.lineOf[row]!, b.lineOf[row]!];
  const [inA, inB] = [a.accounts.removed, b.accounts.removed];
  return (
    inA.keptLow[lineA] !== inB.keptLow[lineB] ||
    inA.keptHigh[lineA] !== inB.keptHigh[lineB] ||
    inA.jaccard[lineA] !== inB.jaccard[lineB]
  );
}

function summaryOf({ output, accounts, violations }: Side): ComparedOutput {
  const { engine } = output.stage.config as { engine?: string };
  return {
    dir: output.dir,
    engine: engine ?? "native",
    exact: output.exact,
    kept: accounts.numKept,
    removed: accounts.removed.numRows,
    rejected: accounts.numRejected,
    violations: (Object.keys(LAWS) as Law[]).flatMap((law) => violations.first(law)),
  };
}
