// A recipe says what to run; parsed once, strictly, into a Plan, which knows everything: every default written out, every
// path absolute. A plan printed as YAML is itself a recipe that gives the same plan. docs/formats/recipe.md
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, resolve } from "node:path";
import { invalid, MillraceError } from "../base/errors.js";
import { z } from "../base/schema.js";
import { expandInput } from "../read/index.js";
import { type ConfigIssue, describeIssues, show } from "./config-issue.js";
import { type ConfigSource, writeYaml } from "./config-source.js";
import { datasetNames } from "./prepare.js";
import { type AnyStage, INPUTS, type Registry, type StageEntry } from "./registry.js";

export type RecipeInput = { readonly path: string } | { readonly dataset: string };

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

const inputSchema = z
  .strictObject({ path: z.string().min(1).optional(), dataset: z.string().optional() })
  .refine(
    ({ path, dataset }) => (path === undefined) !== (dataset === undefined),
    "expected either a path or a dataset",
  );

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
  const inputs = await resolveInputs(rawInputs, source);
  const name = head.data.name ?? fallbackName;
  const out = resolve(head.data.out ?? `runs/${name}`);

  const present = registry.entries.filter(({ key }) => source.value[key] !== undefined && source.value[key] !== false);
  if (present.length === 0) {
    const keys = registry.entries.map(({ key }) => key).join(", ");
    throw source.fail([{ path: [], message: `expected at least one of the stages ${keys} for the recipe, got none` }]);
  }
  if (layout === "flat" && present.length > 1) {
    throw source.fail([
      {
        path: ["layout"],
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

async function resolveInputs(
  inputs: readonly z.infer<typeof inputSchema>[],
  source: ConfigSource,
): Promise<RecipeInput[]> {
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
    const path = resolve(input.path!);
    // A folder may be anything of ours, which only its stage can tell; what else there is must be a file or a pattern.
    if (!existsSync(path) && (await expandInput(path).catch(() => [])).length === 0) {
      issues.push({
        path: [INPUTS, index, "path"],
        message: `expected a file, folder or pattern for inputs.${index}.path, got ${show(input.path)}, which does not exist`,
      });
    }
    resolved.push({ path });
  }
  if (issues.length > 0) throw source.fail(issues);
  return resolved;
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
    throw source.fail([{ path: [key], message: `${key}: ${error.message}`, below: true, hint: error.hint }]);
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

export function readRecipeFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw invalid(
      "config-recipe",
      `expected a recipe file at ${file}, got ${(error as NodeJS.ErrnoException).code ?? "an error"}`,
      {
        where: { file },
        cause: error,
      },
    );
  }
}
