// A finished dedup as its folder tells it: the inputs, the choices and the files, from stage.json alone. The threshold and the
// policy are understood here once more, apart from the stage's own code.
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { invalid } from "../base/errors.js";
import { isRemote } from "../base/storage/index.js";
import { MAX_RECORD_BYTES, requireCorpusKind, sourceNames } from "../formats/corpus.js";
import type { Shingling } from "../native/dedup.js";
import type { Compression, CorpusFormat } from "../records/block-reader.js";
import { readStageFile, type StageFile } from "../run/stage-file.js";
import type { RecordFields } from "./record.js";

export interface AuditInput {
  /** As it is named in outputs, and where it lies. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly digest: string;
  readonly format: CorpusFormat;
  readonly compression: Compression;
  /** Of a remote file: what dedup read, so that nothing else is compared with it. */
  readonly version?: string;
  /** What documents without an id or source are named after. */
  readonly source: string;
}

export type Policy =
  | { readonly kind: "longest" | "first" }
  | { readonly kind: "source"; readonly sources: readonly string[] }
  | { readonly kind: "highest" | "lowest"; readonly field: string };

export interface DedupOutput {
  readonly dir: string;
  readonly stage: StageFile;
  readonly inputs: readonly AuditInput[];
  readonly fields: RecordFields;
  readonly shingling: Shingling;
  /** Above: denominator * |A and B| > numerator * |A or B|. */
  readonly numerator: number;
  readonly denominator: number;
  readonly policy: Policy;
  /** As written: for sentences. */
  readonly keep: string;
  readonly exact: boolean;
}

export const MAX_LINE_BYTES = MAX_RECORD_BYTES;

export async function readDedupOutput(dir: string): Promise<DedupOutput> {
  const stage = await readStageFile(dir);
  if (stage?.stage !== "dedup") {
    const got = stage === undefined ? "a folder without stage.json" : `the folder of the stage ${stage.stage}`;
    throw invalid("config-input", `expected the folder of a finished dedup, got ${got}`, {
      where: { file: dir },
      hint: "name the folder that dedup wrote: --out of the command, or runs/<recipe>/dedup",
    });
  }
  const kinds = stage.inputs.map(({ path }) => requireCorpusKind(path));
  const sources = sourceNames(kinds.map(({ stem }) => stem));
  const inputs = stage.inputs.map(({ path, sizeBytes, digest }, i): AuditInput => {
    const { format, compression } = kinds[i]!;
    const version = isRemote(path) ? { version: digest } : {};
    return { path, sizeBytes, digest, ...version, format, compression, source: sources[i]! };
  });
  const config = stage.config as Record<string, unknown>;
  const text = (key: string): string => String(config[key]);
  const policy = policyOf(text("keep"));
  const score = policy.kind === "highest" || policy.kind === "lowest" ? policy.field.split(".") : [];
  return {
    dir,
    stage,
    inputs,
    fields: {
      text: text("textField").split("."),
      id: text("idField").split("."),
      source: text("sourceField").split("."),
      score,
      maxDocumentBytes: Number(config.maxDocumentBytes),
    },
    shingling: shinglingOf(text("shingle")),
    ...ratioOf(Number(config.threshold)),
    policy,
    keep: text("keep"),
    exact: config.exact === true,
  };
}

/** Whether a record can be read where it lies, in a moment, without what stands before it. */
export function isSeekable({ path, compression }: AuditInput): boolean {
  return compression === "none" && !isRemote(path);
}

/** Whether an input may still be read; of a remote one only reading it tells. */
export function isThere({ path }: AuditInput): boolean {
  return isRemote(path) || existsSync(path);
}

/** The inputs must lie where they lay, and be as long. Of remote files every reading makes sure of that. */
export function requireInputs({ inputs }: DedupOutput): void {
  for (const { path, sizeBytes, format } of inputs) {
    if (isRemote(path)) {
      if (format !== "text") continue;
      throw invalid("config-input", `expected texts on this machine to verify a dedup of, got ${path}`, {
        where: { file: path },
        hint: "they are read one at a time, in any order: run dedup on a copy, or on what clean made of them",
      });
    }
    if (!existsSync(path)) {
      throw invalid("config-input", `expected dedup's input at ${path}, found none`, {
        where: { file: path },
        hint: "put the input back to where it was when dedup read it",
      });
    }
    const found = statSync(path).size;
    if (found !== sizeBytes) {
      throw invalid("input-changed", `expected ${sizeBytes} bytes in dedup's input, got ${found}`, {
        where: { file: path },
        hint: "the input is not what dedup read; run dedup again",
      });
    }
  }
}

export function outputPath({ dir }: DedupOutput, name: string): string {
  return join(dir, name);
}

function shinglingOf(written: string): Shingling {
  const [unit, size] = written.split(":") as ["word" | "char", string];
  return { unit, size: Number(size) };
}

/** The decimal number as written: 0.7 is 7/10. */
function ratioOf(threshold: number): { numerator: number; denominator: number } {
  const decimals = (String(threshold).split(".")[1] ?? "").length;
  const denominator = 10 ** decimals;
  return { numerator: Math.round(threshold * denominator), denominator };
}

function policyOf(keep: string): Policy {
  const colon = keep.indexOf(":");
  const [kind, rest] = colon < 0 ? [keep, ""] : [keep.slice(0, colon), keep.slice(colon + 1)];
  if (kind === "source") return { kind, sources: rest.split(",") };
  if (kind === "highest" || kind === "lowest") return { kind, field: rest };
  if (kind === "longest" || kind === "first") return { kind };
  throw invalid("config-input", `expected a policy that this version knows, got "${keep}"`, {
    hint: "verify with the version that wrote the folder",
  });
}
