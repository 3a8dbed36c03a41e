// `inputs` of a recipe: where documents come from, and what is said of one input alone. docs/formats/recipe.md
import { existsSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { MillraceError } from "../base/errors.js";
import { z } from "../base/schema.js";
import { isRemote } from "../base/storage/index.js";
import { corpusKind, ownFields } from "../formats/corpus.js";
import { encoding, fieldPath, recordsField, refuseCrossedFields } from "../formats/read-fields.js";
import { expandInput, isPattern } from "../read/index.js";
import type { InputFields, ReadOptions } from "../records/block-reader.js";
import { type ConfigIssue, type ConfigPath, describeIssues, show } from "./config-issue.js";
import { datasetNames } from "./prepare.js";
import { INPUTS, type StageEntry } from "./registry.js";

export type RecipeInput = ({ readonly path: string } & InputFields) | { readonly dataset: string };

const ownKeys = {
  textField: fieldPath.optional(),
  idField: fieldPath.optional(),
  sourceField: fieldPath.optional(),
  recordsField: recordsField.unwrap().optional(),
  encoding,
  /** Of all documents of the input. */
  source: z.string().min(1).optional(),
};
const OWN_KEYS = Object.keys(ownKeys) as (keyof InputFields)[];

export const inputSchema = z
  .strictObject({ path: z.string().min(1).optional(), dataset: z.string().optional(), ...ownKeys })
  .superRefine((input, context) => {
    const refuse = (message: string, path: string[] = []): void =>
      context.addIssue({ code: "custom", message: `expected ${message}`, path });
    if ((input.path === undefined) === (input.dataset === undefined)) refuse("either a path or a dataset");
    const own = OWN_KEYS.find((key) => input[key] !== undefined);
    if (input.dataset !== undefined && own !== undefined)
      refuse("nothing beside a dataset, which has its fields,", [own]);
    if (input.source !== undefined && input.sourceField !== undefined)
      refuse("nothing beside source, which is the source of all documents,", ["sourceField"]);
  });

type WrittenInput = z.infer<typeof inputSchema>;

/** What an input says of itself; undefined when that is nothing. */
export function fieldsOf(
  input: {
    readonly [K in keyof InputFields]: InputFields[K] | undefined;
  },
): InputFields | undefined {
  const said = OWN_KEYS.filter((key) => input[key] !== undefined);
  return said.length === 0 ? undefined : Object.fromEntries(said.map((key) => [key, input[key]]));
}

/** Paths made absolute; what does not exist is an issue. */
export async function resolveInputs(
  inputs: readonly WrittenInput[],
): Promise<{ readonly resolved: readonly RecipeInput[]; readonly issues: readonly ConfigIssue[] }> {
  const issues: ConfigIssue[] = [];
  const resolved: RecipeInput[] = [];
  for (const [index, input] of inputs.entries()) {
    if (input.dataset !== undefined) {
      const known = datasetNames();
      if (!known.includes(input.dataset)) {
        issues.push({
          path: [INPUTS, index, "dataset"],
          message: `expected one of the datasets ${known.join(", ")} for inputs.${index}.dataset, got ${show(input.dataset)}`,
        });
      }
      resolved.push({ dataset: input.dataset });
      continue;
    }
    const path = isRemote(input.path!) ? input.path! : resolve(input.path!);
    const missing = await whyMissing(path);
    if (missing !== undefined) {
      const name = `inputs.${index}.path`;
      const expected = `expected a file, folder or pattern for ${name}, got ${show(input.path)}, which does not exist`;
      const isOwn = isRemote(path) || isPattern(path) || existsSync(path);
      const message = isOwn ? `${name}: ${missing.message}` : expected;
      const hint = input.path!.startsWith("file://") ? "give the path without file://" : missing.hint;
      issues.push({ path: [INPUTS, index, "path"], message, hint });
    }
    resolved.push({ path, ...fieldsOf(input) });
  }
  return { resolved, issues };
}

/** A folder may be anything of ours, which only its stage can tell; what else there is must be a file or a pattern. */
async function whyMissing(path: string): Promise<MillraceError | undefined> {
  // What cannot be looked at is told by whoever looks again.
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() || found?.isDirectory()) return undefined;
  try {
    await expandInput(path);
    return undefined;
  } catch (error) {
    if (error instanceof MillraceError && error.code.startsWith("config")) return error;
    throw error;
  }
}

/** Patterns and remote folders may turn out to hold any files, which only reading them can tell. */
function mayBeJson(input: RecipeInput): boolean {
  if ("dataset" in input || (existsSync(input.path) && statSync(input.path).isDirectory())) return false;
  const kind = corpusKind(input.path);
  return kind === undefined || kind.format === "json";
}

/** A path to records within JSON where there is no such file would do nothing. */
export function refuseRecordsField(
  inputs: readonly RecipeInput[],
  readers: readonly { readonly entry: StageEntry; readonly config: Readonly<Record<string, unknown>> }[],
): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const refuse = (at: ConfigPath, got: unknown): void => {
    const message = `expected no recordsField for ${at.join(".")}, got ${show(got)}: it reads no .json file`;
    const hint = "recordsField is for .json files, which are read where they are named or match a pattern";
    issues.push({ path: [...at, "recordsField"], message, hint });
  };
  for (const [index, input] of inputs.entries()) {
    if ("dataset" in input || input.recordsField === undefined || mayBeJson(input)) continue;
    refuse([INPUTS, index], input.recordsField);
  }
  if (inputs.some(mayBeJson)) return issues;
  for (const { entry, config } of readers) if (config.recordsField) refuse([entry.key], config.recordsField);
  return issues;
}

/** Fields of inputs that no stage could read so: there is none that reads documents, or it copies lines as they stand. */
export function refuseFields(
  inputs: readonly RecipeInput[],
  readers: readonly { readonly entry: StageEntry; readonly config: Readonly<Record<string, unknown>> }[],
): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  for (const [index, input] of inputs.entries()) {
    const fields = "dataset" in input ? undefined : fieldsOf(input);
    if (fields === undefined) continue;
    const key = OWN_KEYS.find((name) => fields[name] !== undefined)!;
    const path = [INPUTS, index, key];
    const refuse = (why: string, hint?: string): void => {
      issues.push({ path, message: `expected no ${key} for inputs.${index}, got ${show(fields[key])}: ${why}`, hint });
    };
    if (!readers.some(({ entry }) => entry.readsCorpus === true))
      refuse("no stage of the recipe reads documents from it");
    for (const { entry, config } of readers) {
      if (entry.readsLines === true) {
        refuse(
          `${entry.key} copies lines as they stand`,
          "let `clean` run before: it writes all with one set of names",
        );
      } else if (entry.readsCorpus === true) {
        const merged = ownFields(config as unknown as ReadOptions, { fields });
        const parsed = z.custom<ReadOptions>().superRefine(refuseCrossedFields).safeParse(merged);
        if (!parsed.success) issues.push(...describeIssues(z.unknown(), merged, parsed.error.issues, [INPUTS, index]));
      }
    }
  }
  return issues;
}
