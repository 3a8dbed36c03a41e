// `millrace clean --rules FILE`: the rules of a recipe without a recipe, the arguments that win over them, the refusals, and
// what `explain` and `report` tell of the outcome.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { MillraceError } from "#src/base/errors.js";
import { fromOverrides, parseSet, readStageYaml } from "#src/run/config-source.js";
import { resolvePlan } from "#src/run/recipe.js";
import { registry } from "#src/run/registry.js";

const main = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "millrace-rules-"));

function millrace(...args: string[]) {
  return spawnSync(process.execPath, [main, ...args], {
    cwd: dir,
    encoding: "utf8",
    env: { ...process.env, MILLRACE_DEBUG: "", NO_COLOR: "1" },
  });
}

function file(name: string, content: string): string {
  writeFileSync(join(dir, name), content);
  return name;
}

const RULES = "unicodeRepair: {}\nstoryNewlines: { sources: [web] }\nlanguage: { keep: [en] }\nminTokens: 4\n";

beforeAll(() => {
  const records = [
    { id: "repaired", text: "It doesnâ€™t\nmatter to the old man who walked to the river." },
    { id: "german", text: "Der Hund läuft durch den Wald, und die Katze schläft ruhig im Haus." },
    { id: "short", text: "Gone." },
  ];
  file("web.jsonl", records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  file("rules.yaml", RULES);
});

const BASE = { out: "out", layout: "flat", inputs: [{ path: join(dir, "web.jsonl") }], clean: {} };

/** The stage's configuration that a file of this content gives. */
async function configOf(content: string): Promise<unknown> {
  const plan = await resolvePlan(readStageYaml(content, "rules.yaml", "clean", BASE, []), "clean", registry);
  return plan.stages[0]!.config;
}

describe("a file of rules", () => {
  test("gives the configuration that a recipe with these keys gives, and so does a recipe itself", async () => {
    const below = RULES.replace(/^(?=.)/gm, "  ");
    const recipe = `name: x\ninputs: [{ path: elsewhere.jsonl }]\nclean:\n${below}train: { model: tiny, steps: 1 }\n`;
    const config = await configOf(RULES);
    expect(config).toMatchObject({ minTokens: 4, language: { keep: ["en"] }, storyNewlines: { sources: ["web"] } });
    expect(await configOf(recipe)).toEqual(config);
    expect(await configOf("{}")).not.toEqual(config);
    const sets = ["unicodeRepair={}", "storyNewlines.sources=[web]", "language.keep=[en]", "minTokens=4"];
    const overrides = sets.map((set) => parseSet(`clean.${set}`));
    expect((await resolvePlan(fromOverrides(BASE, overrides), "clean", registry)).stages[0]!.config).toEqual(config);
  });

  test("yields to options, and options to --set", () => {
    const args = ["--rules", "rules.yaml", "--min-tokens", "7", "--set", "clean.language.keep=[de]"];
    const { stdout, stderr } = millrace("clean", "web.jsonl", "--out", "plan", "--dry-run", "--json", ...args);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout).clean).toMatchObject({ minTokens: 7, language: { keep: ["de"] }, unicodeRepair: {} });
  });

  test("that is wrong is refused with the place and the key", async () => {
    const refusals: Readonly<Record<string, [number, number | undefined, string]>> = {
      "languag: { keep: [en] }\n": [1, 1, "expected one of the keys textField"],
      "minTokens: 1\nlanguage:\n  keep: [xx]\n": [3, 10, "expected one of"],
      "clean:\n  minTokens: -1\n": [2, 3, "expected a number of at least 0 for clean.minTokens, got -1"],
      "badWords:\n  file: none.txt\n": [2, 3, "expected a file with one entry a line for badWords.file"],
      "gopherQuality: { minWords: 100, maxWords: 10 }\n": [1, 18, "expected a number of at most maxWords (10) for"],
      "gopherQuality: { maxWords: 10 }\n": [1, 18, "expected a number of at least minWords (50) for"],
      "- a\n": [1, undefined, "expected a mapping of keys to values for the keys of clean"],
      "a: [\n": [2, 1, "expected valid YAML"],
    };
    for (const [content, [line, column, message]] of Object.entries(refusals)) {
      const error = await configOf(content).catch((thrown: MillraceError) => thrown);
      expect(error, content).toMatchObject({
        message: expect.stringContaining(message),
        where: { file: "rules.yaml", line, ...(column === undefined ? {} : { column }) },
      });
    }
  });

  test("turns a rule off with false; one with nothing behind it is told what to write", async () => {
    expect(await configOf("unicodeRepair: false\n")).toEqual(await configOf("{}"));
    const off = readStageYaml(RULES, "rules.yaml", "clean", BASE, [parseSet("clean.language=false")]);
    expect((await resolvePlan(off, "clean", registry)).stages[0]!.config.language).toBeUndefined();
    for (const content of ["unicodeRepair:\n", "unicodeRepair: true\n"])
      await expect(configOf(content)).rejects.toMatchObject({ hint: "write unicodeRepair: {} for its defaults" });
    await expect(configOf("language: { keep: [en], keeps: [en] }\n")).rejects.toMatchObject({
      hint: 'did you mean "keep"?',
    });
  });

  test("that is missing, or an argument beside it that is wrong, is named before any work", () => {
    const missing = millrace("clean", "web.jsonl", "--out", "no", "--rules", "missing.yaml");
    expect(missing.stderr).toContain("expected a file of rules at missing.yaml, found none");
    expect(missing.status).toBe(2);
    const { stderr } = millrace("clean", "web.jsonl", "--out", "no", "--rules", "rules.yaml", "--set", "clean.x=1");
    expect(stderr).toContain("--set clean.x=1: expected one of the keys");
  });

  test("is told of in the help, beside a key and a value for --set", () => {
    const help = millrace("clean", "--help").stdout.replace(/\s+/g, " ");
    expect(help).toContain("--rules <file> YAML file with the keys that a recipe has below clean");
    expect(help).toContain("such as clean.language.keep=[en]");
  });
});

describe("a run of the rules", () => {
  test("is accounted for by summary, explain and report: every document that was rewritten or rejected", () => {
    const { status, stdout } = millrace("clean", "web.jsonl", "--out", "out", "--rules", "rules.yaml", "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      documents_kept: 1,
      rejected: { "other-language": 1, "too-short": 1 },
      rewritten: { unicodeRepair: 1, storyNewlines: 1 },
    });
    const told = (id: string): string => millrace("explain", id, "--in", "out").stdout;
    expect(told("repaired")).toMatch(
      /kept: .*\n *rewritten by unicodeRepair, storyNewlines; as it was read: .*web\.jsonl, byte 0\n/,
    );
    const german = told("german");
    expect(german).toContain("rejected: other-language, the language is de; ");
    expect(german).not.toContain("rewritten");
    expect(millrace("report", "out").status).toBe(0);
    const page = readFileSync(join(dir, "out/report.html"), "utf8");
    for (const shown of ["What was rewritten", "storyNewlines", "other-language", "the language is de"]) {
      expect(page).toContain(shown);
    }
  });
});
