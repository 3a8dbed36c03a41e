import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MillraceError } from "#src/base/errors.js";
import { fromOverrides, parseSet, readYaml } from "#src/run/config-source.js";
import { type Plan, planToYaml, resolvePlan } from "#src/run/recipe.js";
import { registry } from "./toy-registry.mjs";

const dir = mkdtempSync(join(tmpdir(), "millrace-recipe-"));
const input = join(dir, "a.txt");
writeFileSync(input, "a\n");

const HEAD = `inputs:\n  - path: ${input}\n`;

function resolve(text: string, ...sets: string[]): Promise<Plan> {
  return resolvePlan(readYaml(text, "toy.yaml", sets.map(parseSet)), "toy", registry);
}

async function refusal(text: string, ...sets: string[]): Promise<MillraceError> {
  try {
    await resolve(text, ...sets);
  } catch (error) {
    expect(error).toBeInstanceOf(MillraceError);
    expect((error as MillraceError).code).toMatch(/^config/);
    return error as MillraceError;
  }
  throw new Error("expected a refusal");
}

test("a refusal that a stage makes for a file names the file", async () => {
  const entry = registry.entries.find(({ key }) => key === "tail")!;
  const stage = await entry.loadStage();
  const check = () => {
    throw new MillraceError("config-toy", "expected a for b, got c", { where: { file: "/data/x.json", line: 3 } });
  };
  const entries = [{ ...entry, loadStage: async () => ({ ...stage, check }) }];
  const refused = resolvePlan(readYaml(`${HEAD}tail:\n`, "toy.yaml", []), "toy", { ...registry, entries });
  await expect(refused).rejects.toThrow("tail: /data/x.json:3: expected a for b, got c");
});

describe("a recipe", () => {
  test("becomes a plan with every default written out", async () => {
    const plan = await resolve(`${HEAD}upper:\ntail: { suffix: x }\n`);
    expect(plan).toMatchObject({ name: "toy", layout: "stages", inputs: [{ path: input }] });
    expect(plan.stages.map(({ entry, config, reads }) => [entry.key, config, reads])).toEqual([
      ["upper", { delayMs: 0, mark: "", parts: 3, policy: "longest", nested: { flag: false } }, ["inputs"]],
      ["tail", { suffix: "x" }, ["upper"]],
    ]);
  });

  test("printed as a plan is a recipe of the same plan", async () => {
    const plan = await resolve(`${HEAD}upper: { parts: 4 }\ntail:\n`);
    expect(planToYaml(await resolve(planToYaml(plan)))).toBe(planToYaml(plan));
    expect(planToYaml(await resolve(planToYaml(plan), "upper.parts=5"))).not.toBe(planToYaml(plan));
  });

  test("without a stage reads on from the one before it", async () => {
    const plan = await resolve(`${HEAD}upper:\ntail:\n`, "upper=false");
    expect(plan.stages.map(({ entry, reads }) => [entry.key, reads])).toEqual([["tail", ["inputs"]]]);
  });

  test.each([
    ["an unknown key of the recipe", `${HEAD}uper:\n`, { line: 3, column: 1 }, 'for the recipe, got "uper"'],
    [
      "an unknown key of a stage",
      `${HEAD}upper:\n  parts: 2\n  partz: 3\n`,
      { line: 5, column: 3 },
      'for upper, got "partz"',
    ],
    [
      "an unknown nested key",
      `${HEAD}upper:\n  nested: { flagg: 1 }\n`,
      { line: 4, column: 13 },
      'keys flag for upper.nested, got "flagg"',
    ],
    [
      "a wrong type",
      `${HEAD}upper:\n  parts: many\n`,
      { line: 4, column: 3 },
      'expected a number for upper.parts, got "many"',
    ],
    ["a fraction", `${HEAD}upper:\n  parts: 1.5\n`, { line: 4, column: 3 }, "for upper.parts, got 1.5"],
    [
      "a number out of range",
      `${HEAD}upper:\n  parts: 10\n`,
      { line: 4, column: 3 },
      "expected a number of at most 9 for upper.parts, got 10",
    ],
    [
      "an unknown choice",
      `${HEAD}upper:\n  policy: random\n`,
      { line: 4, column: 3 },
      'expected one of "longest", "first" for upper.policy, got "random"',
    ],
    ["no inputs", "upper:\n", { line: 1 }, "expected a list for inputs, got nothing"],
    [
      "an empty list of inputs",
      "upper:\ninputs: []\n",
      { line: 2, column: 1 },
      "expected a list of at least 1 items for inputs, got []",
    ],
    [
      "an input that is missing",
      "inputs:\n  - path: nowhere.txt\nupper:\n",
      { line: 2, column: 5 },
      'got "nowhere.txt", which does not exist',
    ],
    [
      "an input that is two things",
      "inputs:\n  - { path: a, dataset: b }\nupper:\n",
      { line: 2, column: 5 },
      "expected either a path or a dataset for inputs.0",
    ],
    [
      "an unknown dataset",
      "inputs:\n  - dataset: klingon\nupper:\n",
      { line: 2, column: 5 },
      'for inputs.0.dataset, got "klingon"',
    ],
    [
      "what a schema cannot tell",
      `${HEAD}upper:\n  mark: ab\n`,
      { line: 4, column: 3 },
      "upper: expected a mark a part for parts, got 2",
    ],
    ["a recipe without stages", HEAD, { line: 1 }, "expected at least one of the stages upper, tail, drill"],
    [
      "a recipe that is a list",
      "- upper\n",
      { line: 1 },
      'expected a mapping of keys to values for the recipe, got ["upper"]',
    ],
    [
      "a key that is said twice",
      `${HEAD}upper:\nupper:\n`,
      { line: 4, column: 1 },
      "expected valid YAML: Map keys must be unique",
    ],
    ["broken YAML", `${HEAD}upper: { parts: 2\n`, { line: 4, column: 1 }, "expected valid YAML"],
    [
      "a plan of another major version",
      `millrace: 99.0.0\n${HEAD}upper:\n`,
      { line: 1, column: 1 },
      'for millrace, got "99.0.0"',
    ],
  ])("with %s is refused with file, line and what was expected", async (_, text, where, message) => {
    const error = await refusal(text);
    expect(error.where).toMatchObject({ file: "toy.yaml", ...where });
    expect(error.message).toContain(message);
  });

  test("a near miss of a key gets a suggestion", async () => {
    expect((await refusal(`${HEAD}upper: { pats: 2 }\n`)).hint).toBe('did you mean "parts"?');
    expect((await refusal(`${HEAD}upper: { zzzzzzzz: 2 }\n`)).hint).toBeUndefined();
  });

  test("of layout flat has one stage, in the folder itself", async () => {
    const plan = await resolve(`${HEAD}layout: flat\nout: ${dir}/here\ntail:\n`);
    expect(plan.stages[0]?.dir).toBe(join(dir, "here"));
    expect((await refusal(`${HEAD}layout: flat\nupper:\ntail:\n`)).message).toContain(
      "one stage for layout flat, got upper, tail",
    );
  });
});

describe("an override", () => {
  test("wins over the file, and the last one over those before", async () => {
    const plan = await resolve(
      `${HEAD}upper: { parts: 2 }\n`,
      "upper.parts=4",
      "upper.parts=5",
      "upper.nested.flag=true",
    );
    expect(plan.stages[0]?.config).toMatchObject({ parts: 5, nested: { flag: true } });
  });

  test("can add a stage, an input and a whole mapping", async () => {
    const plan = await resolve("tail:\n", `inputs.0.path=${input}`, "upper={parts: 2}");
    expect(plan.stages.map(({ entry }) => entry.key)).toEqual(["upper", "tail"]);
  });

  test.each([
    ["upper.partz=2", "expected one of the keys"],
    ["upper.parts=many", 'for upper.parts, got "many"'],
    ["uper.parts=2", 'for the recipe, got "uper"'],
    ["inputs.0.path=a{b", "expected a closing brace"],
    ["inputs.0.path=nowhere", 'got "nowhere", which does not exist'],
  ])("--set %s is refused by its name", async (set, message) => {
    const error = await refusal(`${HEAD}upper:\n`, set);
    expect(error.message).toContain(`--set ${set}: `);
    expect(error.message).toContain(message);
    expect(error.where).toBeUndefined();
  });

  test.each([
    "parts",
    "=2",
    "a..b=2",
    "__proto__.x=1",
    "upper={",
    "upper.parts.x=1",
  ])("--set %s is refused", async (set) => {
    await refusal(`${HEAD}upper: { parts: 2 }\n`, set);
  });

  test("an error elsewhere still points into the file", async () => {
    const error = await refusal(`${HEAD}upper:\n  partz: 2\n`, "upper.parts=4");
    expect(error.where).toMatchObject({ file: "toy.yaml", line: 4, column: 3 });
  });

  test("that brings a second stage to a flat layout is named", async () => {
    for (const [set, base] of [
      ["tail.suffix=x", "upper"],
      ["upper.parts=2", "tail"],
    ] as const) {
      const source = fromOverrides({ layout: "flat", inputs: [{ path: input }], [base]: {} }, [parseSet(set)]);
      await expect(resolvePlan(source, "toy", registry)).rejects.toThrow(`--set ${set}: expected one stage for layout`);
    }
  });

  test("a file:// address is refused with the path to give", async () => {
    const error = await refusal(`${HEAD}upper:\n`, "inputs.0.path=file:///nowhere.jsonl");
    expect(error.hint).toBe("give the path without file://");
  });

  test("from options alone makes a plan too", async () => {
    const options = [{ path: ["tail", "suffix"], value: "x", origin: "--suffix x" }];
    const plan = await resolvePlan(fromOverrides({ inputs: [{ path: input }] }, options), "toy", registry);
    expect(plan.stages[0]?.config).toEqual({ suffix: "x" });
    const wrong = fromOverrides({ inputs: [{ path: input }] }, [{ ...options[0]!, value: 3, origin: "--suffix 3" }]);
    await expect(resolvePlan(wrong, "toy", registry)).rejects.toMatchObject({
      message: "--suffix 3: expected text for tail.suffix, got 3",
    });
  });
});
