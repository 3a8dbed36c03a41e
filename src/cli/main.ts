#!/usr/bin/env node
// The command line: argv in, exit code out. Only this folder prints. What only one command needs loads with it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { invalid } from "../base/errors.js";
import { Command, CommanderError } from "./command-line.js";
import { addConductOptions, type ConductOptions } from "./conduct-options.js";
import { addDedupCompareCommand } from "./dedup-compare.js";
import { addDedupVerifyCommand } from "./dedup-verify.js";
import { exitCodeOf, formatError } from "./exit.js";
import { addExplainCommand } from "./explain.js";
import { addGenerateCommand } from "./generate.js";
import { addExportCommand, addImportCommand } from "./hugging-face.js";
import type { InspectOptions } from "./inspect.js";
import { addPlanCommand } from "./plan.js";
import { addStageOptions, stageConfig } from "./stage-arguments.js";
import { type StageCommand, stageCommands } from "./stage-commands.js";
import { addTokenizerCommand } from "./tokenizer.js";

const { version, description } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
  description: string;
};

function buildProgram(): Command {
  const program = new Command("millrace")
    .description(description)
    .version(version)
    .exitOverride()
    .showHelpAfterError("(--help shows what there is)");
  const run = program
    .command("run")
    .argument("<recipe>", "a YAML recipe, or the plan.yaml of an earlier run")
    .description("run a recipe: the whole path or any part of it; goes on with what is unfinished");
  addConductOptions(run, true).action(async (recipe: string, options: ConductOptions) => {
    const { conductRecipe } = await import("./conduct.js");
    await conductRecipe(recipe, { ...options, report: true });
  });
  for (const stage of stageCommands) {
    const command = addStageCommand(program, stage);
    if (stage.key !== "dedup") continue;
    addDedupVerifyCommand(command);
    addDedupCompareCommand(command);
  }
  addExplainCommand(program);
  addGenerateCommand(program);
  addPlanCommand(program);
  addTokenizerCommand(program);
  addImportCommand(program);
  addExportCommand(program);
  program
    .command("inspect")
    .argument(
      "<path>",
      "folder or file of shards, a checkpoint, the checkpoints of a training, a stage, a run, a tokenizer, or a file of a corpus",
    )
    .description("say what a folder or file holds")
    .option("--verify", "read everything and compare it with its checksums")
    .option("--json", "print JSON instead of YAML")
    .action(async (path: string, options: InspectOptions) => {
      const { inspect } = await import("./inspect.js");
      await inspect(path, options);
    });
  program
    .command("report")
    .argument("<dir>", "folder of a run or of one stage")
    .description("write the report of a run again: one HTML file")
    .option("--out <file>", "where to (default: report.html in that folder)")
    .action(async (dir: string, { out }: { out?: string }) => {
      const { writeReport } = await import("../report/index.js");
      process.stdout.write(`${(await writeReport({ dir, out })).path}\n`);
    });
  return program;
}

function addStageCommand(program: Command, stage: StageCommand): Command {
  const command = program.command(stage.key).description(stage.description);
  if (stage.inputs !== undefined) command.argument("<inputs...>", stage.inputs);
  // Not a required option of commander's: subcommands would have to name it too.
  command.option("--out <dir>", "folder of the results").enablePositionalOptions();
  addStageOptions(command, stage);
  if (stage.resumes === true) command.option("--resume", "refuse to begin anew: --out must hold a run to go on with");
  addConductOptions(command, stage.inputs !== undefined, stage.example).action(async (...args: unknown[]) => {
    const inputs = stage.inputs === undefined ? [] : (args[0] as string[]);
    const { out, ...rest } = args.at(-2) as ConductOptions & { out?: string };
    if (out === undefined) return command.error("error: required option '--out <dir>' not specified");
    const options = { ...rest, out };
    if (options.resume === true && !existsSync(join(options.out, "journal.jsonl"))) {
      throw invalid("config-out", `expected an earlier run in ${options.out} for --resume, found none`);
    }
    const { conductStage } = await import("./conduct.js");
    const { base, overrides } = stageConfig(stage, inputs, options);
    await conductStage(stage.key, base, overrides, options);
  });
  return command;
}

// A reader that has seen enough (`| head`) is no fault.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

try {
  await buildProgram().parseAsync();
} catch (error) {
  // Commander has said what it refuses, or shown the help that was asked for.
  if (!(error instanceof CommanderError)) process.stderr.write(`${formatError(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
