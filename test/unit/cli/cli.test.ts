import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const main = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "millrace-cli-"));

function millrace(...args: string[]) {
  return spawnSync(process.execPath, [main, ...args], {
    encoding: "utf8",
    env: { ...process.env, MILLRACE_DEBUG: "", NO_COLOR: "1" },
  });
}

const words = Array.from({ length: 200 }, (_, i) => `word${i}`).join(" ");
const corpus = join(dir, "corpus.jsonl");
writeFileSync(
  corpus,
  Array.from({ length: 20 }, (_, i) => `${JSON.stringify({ id: `d${i}`, text: `${i} ${words}` })}\n`).join(""),
);
const recipe = join(dir, "small.yaml");
writeFileSync(recipe, `inputs:\n  - path: ${corpus}\nclean:\n  minTokens: 10\n`);

describe("the command line", () => {
  test("explains itself", () => {
    const help = millrace("--help");
    expect(help.status).toBe(0);
    for (const name of [
      "run",
      "clean",
      "dedup",
      "shard",
      "train",
      "eval",
      "generate",
      "import",
      "export",
      "plan",
      "inspect",
      "report",
    ]) {
      expect(help.stdout).toContain(`  ${name} `);
    }
    const run = millrace("run", "--help");
    expect(run.status).toBe(0);
    for (const option of ["--set", "--dry-run", "--json", "--workers"]) expect(run.stdout).toContain(option);
  });

  test.each([
    [["polish"], "unknown command 'polish'"],
    [["run", recipe, "--fast"], "unknown option '--fast'"],
    [["run"], "missing required argument 'recipe'"],
    [["run", join(dir, "nowhere.yaml")], "expected a recipe file at"],
    [
      ["run", recipe, "--set", "clean.minTokens=few"],
      '--set clean.minTokens=few: expected a number for clean.minTokens, got "few"',
    ],
    [["run", recipe, "--set", "inputs.x=1"], 'expected a number from 0 to 1 as the key in inputs, got "x"'],
    [["run", recipe, "--set", "inputs.5.path=a"], "expected a number from 0 to 1 as the key in inputs, got 5"],
    [["run", recipe, "--workers", "0"], "--workers 0: expected a number of at least 1 for workers, got 0"],
    [
      ["clean", corpus, "--out", join(dir, "x"), "--min-tokens", "-1"],
      "--min-tokens -1: expected a number of at least 0 for clean.minTokens, got -1",
    ],
    [["clean", join(dir, "nowhere.jsonl"), "--out", join(dir, "x")], "which does not exist"],
    [["train", "--shards", dir, "--out", join(dir, "x"), "--model", "tiny"], "required option '--steps <n>'"],
    [
      ["train", "--shards", dir, "--out", join(dir, "x"), "--model", "tiny", "--steps", "5", "--resume"],
      "expected an earlier run in",
    ],
    [["inspect", join(dir, "nowhere")], "expected a file or folder at"],
    [["generate", "--checkpoint", dir, "--max-tokens", "0"], "expected a whole number of at least 1"],
  ])("refuses %j with 2 and one sentence, before any work", (args, sentence) => {
    const { status, stderr, stdout } = millrace(...args);
    expect(stderr).toContain(sentence);
    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(existsSync(join(dir, "x"))).toBe(false);
  });

  test("points into the recipe", () => {
    const bad = join(dir, "bad.yaml");
    writeFileSync(bad, `inputs:\n  - path: ${corpus}\nclean:\n  minTokenz: 3\n`);
    const { status, stderr } = millrace("run", bad);
    expect(status).toBe(2);
    expect(stderr).toContain(`millrace: ${bad}:4:3: expected one of the keys`);
    expect(stderr).toContain('did you mean "minTokens"?');
  });

  test("prints the plan of a dry run as a recipe that gives the same plan, and touches nothing", () => {
    const out = join(dir, "dry");
    const first = millrace("run", recipe, "--set", `out=${out}`, "--dry-run");
    expect(first.status).toBe(0);
    const plan = join(dir, "plan.yaml");
    writeFileSync(plan, first.stdout);
    expect(millrace("run", plan, "--dry-run").stdout).toBe(first.stdout);
    const json = JSON.parse(millrace("run", recipe, "--set", `out=${out}`, "--dry-run", "--json").stdout) as Record<
      string,
      unknown
    >;
    expect(json).toMatchObject({ name: "small", out, clean: { minTokens: 10, nfc: true } });
    expect(existsSync(out)).toBe(false);
  });

  test("runs, prints the summary it has written, and has nothing to do the second time", () => {
    const out = join(dir, "run");
    const first = millrace("run", recipe, "--set", `out=${out}`, "--json");
    expect(first.stderr).toContain("clean: done");
    expect(first.status).toBe(0);
    const summary = JSON.parse(first.stdout) as Record<string, unknown>;
    expect(summary).toMatchObject({ documents_read: 20, documents_kept: 20, documents_rejected: 0 });
    expect(summary).toEqual(JSON.parse(readFileSync(join(out, "summary.json"), "utf8")));
    expect(existsSync(join(out, "report.html"))).toBe(true);
    const second = millrace("run", recipe, "--set", `out=${out}`, "--json");
    expect(second.stderr).toContain("up to date, nothing to do");
    expect(second.stdout).toBe(first.stdout);
    // A plan is enough to run again.
    expect(millrace("run", join(out, "plan.yaml")).stderr).toContain("nothing to do");
  });

  test("a single stage writes into its folder, is inspected, and is resumed from its plan", () => {
    const out = join(dir, "one");
    expect(millrace("clean", corpus, "--out", out, "--min-tokens", "10").status).toBe(0);
    expect(JSON.parse(millrace("inspect", out, "--json", "--verify").stdout)).toMatchObject({
      kind: "stage",
      stage: "clean",
    });
    expect(millrace("run", join(out, "plan.yaml")).stderr).toContain("nothing to do");
    const changed = millrace("clean", corpus, "--out", out, "--min-tokens", "11");
    expect(changed.stderr).toContain(`minTokens changed from 10 to 11; removing what ${out} holds`);
    const table = join(dir, "table.parquet");
    writeFileSync(table, "PAR1");
    const refused = millrace("clean", table, "--out", out, "--encoding", "latin1");
    expect(refused.stderr).toContain(`expected no encoding for ${table}`);
    expect(JSON.parse(millrace("inspect", out, "--json", "--verify").stdout)).toMatchObject({ stage: "clean" });
    rmSync(join(out, "stage.json"));
    rmSync(join(out, "journal.jsonl"));
    const foreign = millrace("clean", corpus, "--out", out, "--min-tokens", "11");
    expect(foreign.stderr).toContain("expected an empty folder or one of an earlier run");
    expect(foreign.status).toBe(2);
  });

  test("the result of another stage, finished or not, stays where it is", () => {
    const out = join(dir, "another");
    expect(millrace("clean", corpus, "--out", out).status).toBe(0);
    const expected = `expected an empty folder or one of an earlier run for the output, got ${out} with the result of clean`;
    for (const journalAlone of [false, true]) {
      if (journalAlone) rmSync(join(out, "stage.json"));
      const before = readdirSync(out, { recursive: true }).sort();
      const { status, stderr } = millrace("dedup", corpus, "--out", out);
      expect([status, stderr]).toEqual([2, expect.stringContaining(expected)]);
      expect(readdirSync(out, { recursive: true }).sort()).toEqual(before);
    }
    // It still goes on from there.
    expect(millrace("clean", corpus, "--out", out).stderr).not.toContain("removing");
  });

  test("says 1 when the work fails", () => {
    const broken = join(dir, "broken.jsonl");
    writeFileSync(broken, "{\n".repeat(50));
    const { status, stderr } = millrace("clean", broken, "--out", join(dir, "fails"));
    expect(stderr).toMatch(/^millrace: clean: /m);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(status).toBe(1);
  });

  test("says 130 when it is interrupted, and goes on later", async () => {
    const out = join(dir, "interrupted");
    const args = [main, "run", fileURLToPath(new URL("../../../pipelines/quickstart.yaml", import.meta.url))];
    const only = ["--set", `out=${out}`, "--set", "dedup=false", "--set", "train=false", "--set", "eval=false"];
    const child = spawn(process.execPath, [...args, ...only], { stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      // The first line of a stage: its work has just begun.
      if (stderr === "") child.kill("SIGINT");
      stderr += chunk.toString();
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(stderr).toContain("stopping; the same command goes on from here");
    expect(code).toBe(130);
    expect(existsSync(join(out, ".millrace/lock"))).toBe(false);
    expect(spawnSync(process.execPath, [...args, ...only]).status).toBe(0);
  });
});
