// A recipe says what to run; parsed once, strictly, into a Plan, which knows everything: every default written out, every
// path absolute. A plan printed as YAML is itself a recipe that gives the same plan. docs/formats/recipe.md
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, resolve } from "node:path";
import { formatWhere, invalid, MillraceError } from "../base/errors.js";
import { z } from "../base/schema.js";
import { isRemote } from "../base/storage/index.js";
import { describeIssues, show } from "./config-issue.js";
import { type ConfigSource, writeYaml } from "./config-source.js";
import { inputSchema, type RecipeInput, refuseFields, refuseRecordsField, resolveInputs } from "./recipe-inputs.js";
import { type AnyStage, INPUTS, type Registry, type StageEntry } from "./registry.js";

export interface PlannedStage {
  readonly entry: StageEntry;
  readonly stage: AnyStage;
  /** Has been through the stage's schema. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Keys of the planned stages it reads, or "inputs". */
  readonly reads: readonly string[];
  /** Absolute. */
  readonly dir: string;
}

export interface Plan {
  readonly millrace: string;
  readonly name: string;
  /** Absolute. */
  readonly out: string;
  readonly layout: "stages" | "flat";
  readonly workers: number;
  readonly inputs: readonly RecipeInput[];
  /** In the data's order. */
  readonly stages: readonly PlannedStage[];
}

const { version: TOOL_VERSION } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

function headSchema(registry: Registry) {
  return z.strictObject({
    /** The version that wrote a plan; a recipe written by hand leaves it out. */
    millrace: z.string().optional(),
    name: z
      .string()
      .regex(/^[\w.-]+$/, "expected letters, digits, ., _ or -")
      .optional(),
    out: z.string().min(1).optional(),
    /** stages: one folder a stage below `out`; flat: the one stage's files lie in `out` itself. */
    layout: z.enum(["stages", "flat"]).default("stages"),
    workers: z.int().min(1).max(1024).optional(),
    inputs: z.array(inputSchema).min(1),
    ...Object.fromEntries(registry.entries.map(({ key }) => [key, z.unknown().optional()])),
  });
}

/** Refuses what is wrong with one sentence that points at its origin; touches nothing on disk. */
export async function resolvePlan(source: ConfigSource, fallbackName: string, registry: Registry): Promise<Plan> {
  const schema = headSchema(registry);
  const head = schema.safeParse(source.value);
  if (!head.success) throw source.fail(describeIssues(schema, source.value, head.error.issues));
  const { inputs: rawInputs, layout } = head.data;
  checkVersion(head.data.millrace, source);
  const { resolved: inputs, issues } = await resolveInputs(rawInputs);
  if (issues.length > 0) throw source.fail([...issues]);
  const name = head.data.name ?? fallbackName;
  const given = head.data.out ?? `runs/${name}`;
  if (isRemote(given)) {
    const hint = "results are written to this machine: copy them from there";
    throw source.fail([{ path: ["out"], message: `expected a folder for out, got ${show(given)}`, hint }]);
  }
  const out = resolve(given);

  const present = registry.entries.filter(({ key }) => source.value[key] !== undefined && source.value[key] !== false);
  if (present.length === 0) {
    const keys = registry.entries.map(({ key }) => key).join(", ");
    throw source.fail([{ path: [], message: `expected at least one of the stages ${keys} for the recipe, got none` }]);
  }
  if (layout === "flat" && present.length > 1) {
    // Overrides come behind what they change: the last stage is the one that was added.
    const added = Object.keys(source.value).findLast((key) => present.some((entry) => entry.key === key))!;
    throw source.fail([
      {
        path: [added],
        message: `expected one stage for layout flat, got ${present.map(({ key }) => key).join(", ")}`,
      },
    ]);
  }
  const stages: PlannedStage[] = [];
  for (const entry of present) {
    const stage = await entry.loadStage();
    const config = await parseConfig(entry.key, stage, source);
    stages.push({
      entry,
      stage,
      config,
      reads: readsOf(entry, present),
      dir: layout === "flat" ? out : resolve(out, entry.folder),
    });
  }
  const readers = stages.filter(({ reads }) => reads.includes(INPUTS));
  const refused = [...refuseFields(inputs, readers), ...refuseRecordsField(inputs, readers)];
  if (refused.length > 0) throw source.fail(refused);
  const workers = head.data.workers ?? availableParallelism();
  return { millrace: TOOL_VERSION, name, out, layout, workers, inputs, stages };
}

function checkVersion(written: string | undefined, source: ConfigSource): void {
  const major = (version: string): string => version.split(".")[0]!;
  if (written === undefined || major(written) === major(TOOL_VERSION)) return;
  throw source.fail([
    {
      path: ["millrace"],
      message: `expected a plan of version ${major(TOOL_VERSION)}.x for millrace, got ${show(written)}`,
    },
  ]);
}

async function parseConfig(key: string, stage: AnyStage, source: ConfigSource): Promise<Record<string, unknown>> {
  // A key with nothing behind it is the stage with its defaults.
  const value = source.value[key] === null || source.value[key] === true ? {} : source.value[key];
  const parsed = stage.schema.safeParse(value);
  if (!parsed.success) throw source.fail(describeIssues(stage.schema, value, parsed.error.issues, [key]));
  try {
    await stage.check?.(parsed.data);
  } catch (error) {
    if (!(error instanceof MillraceError && error.code.startsWith("config"))) throw error;
    const { where } = error;
    // The one place that the refusal itself names is the recipe's.
    const place = where === undefined || error.message.includes(where.file ?? "\0") ? "" : `${formatWhere(where)}: `;
    throw source.fail([{ path: [key], message: `${key}: ${place}${error.message}`, below: true, hint: error.hint }]);
  }
  return parsed.data as Record<string, unknown>;
}

function readsOf(entry: StageEntry, present: readonly StageEntry[]): string[] {
  const sources = entry.reads.map(
    (slot) => slot.find((key) => key === INPUTS || present.some((candidate) => candidate.key === key)) ?? INPUTS,
  );
  return [...new Set(sources)];
}

/** The plan as data: what `--json --dry-run` prints. */
export function planToJson(plan: Plan): Record<string, unknown> {
  const { millrace, name, out, layout, workers, inputs } = plan;
  const stages = Object.fromEntries(plan.stages.map(({ entry, config }) => [entry.key, config]));
  return { millrace, name, out, layout, workers, inputs, ...stages };
}

/** The plan as a recipe: what `--dry-run` prints and plan.yaml holds. */
export function planToYaml(plan: Plan): string {
  const steps = plan.stages.map(({ entry, stage }) => `${entry.key} (version ${stage.version})`).join(" -> ");
  return `# The resolved plan: ${steps}\n# A recipe like any other: \`millrace run\` accepts it.\n${writeYaml(planToJson(plan))}`;
}

/** "pipelines/quickstart.yaml" -> "quickstart": the name of a recipe that gives itself none. */
export function nameOfRecipe(file: string): string {
  return (
    basename(file)
      .replace(/\.ya?ml$/, "")
      .replace(/[^\w.-]+/g, "-") || "recipe"
  );
}

export function readRecipeFile(file: string, what = "a recipe file"): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code = "an error" } = error as NodeJS.ErrnoException;
    const found = code === "ENOENT" ? "found none" : `got ${code}`;
    throw invalid("config-recipe", `expected ${what} at ${file}, ${found}`, { where: { file }, cause: error });
  }
}
