// `millrace generate`: continues a text with a trained model, on stdout as it grows.

import { invalid } from "../base/errors.js";
import { type Command, InvalidArgumentError, Option } from "./command-line.js";

interface GenerateOptions {
  readonly checkpoint: string;
  readonly prompt?: string;
  readonly maxTokens?: number;
  readonly greedy?: boolean;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly seed?: number;
  readonly device?: "cpu" | "cuda";
  readonly threads?: number;
  readonly json?: boolean;
}

export function addGenerateCommand(program: Command): void {
  program
    .command("generate")
    .description("continue a text with a trained model")
    .requiredOption("--checkpoint <dir>", "folder of a run, of its training or of one checkpoint")
    .option("--prompt <text>", "what to continue (default: nothing, a document from its beginning)")
    .option("--max-tokens <n>", "at most so many tokens", wholeNumber(1))
    .option("--greedy", "always the most probable token")
    .option("--temperature <x>", "flatter above 1, sharper below", positiveNumber)
    .option("--top-k <n>", "only the n most probable tokens; 0: all", wholeNumber(0))
    .option("--top-p <p>", "only the most probable tokens that make up p", positiveNumber)
    .option("--seed <n>", "seed of the choices", wholeNumber(0))
    .addOption(new Option("--device <device>", "cpu, or cuda: an NVIDIA GPU (default: cpu)").choices(["cpu", "cuda"]))
    .option("--threads <n>", "threads; 0: one a processor", wholeNumber(0))
    .option("--json", "print text and figures as JSON, at the end")
    .action(runGenerate);
}

async function runGenerate(options: GenerateOptions): Promise<void> {
  const { json, ...rest } = options;
  if (options.topP !== undefined && options.topP > 1)
    throw invalid("config-option", `expected at most 1 for --top-p, got ${options.topP}`);
  if (json !== true) process.stdout.write(options.prompt ?? "");
  const onText = json === true ? undefined : (piece: string) => void process.stdout.write(piece);
  const { generate } = await import("../evaluate/index.js");
  const generated = await generate({ ...rest, onText });
  process.stdout.write(json === true ? `${JSON.stringify(generated, null, 2)}\n` : "\n");
}

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`expected a whole number of at least ${least}`);
    }
    return value;
  };
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError("expected a number above 0");
  return value;
}
