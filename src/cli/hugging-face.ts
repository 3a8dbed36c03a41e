// `millrace import hf` and `millrace export hf`: models of Hugging Face's GPT-2 layout into checkpoints and back.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { invalid } from "../base/errors.js";
import type { Tokenizer } from "../tokenizers/index.js";
import { type Command, Option } from "./command-line.js";

interface HuggingFaceOptions {
  readonly out: string;
  readonly tokenizer?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function addImportCommand(program: Command): void {
  const command = program.command("import").description("make a checkpoint of a model from elsewhere");
  command
    .command("hf")
    .argument("<dir>", "folder with config.json and model.safetensors of a GPT2LMHeadModel")
    .description("read a model in the Hugging Face layout: generate, eval, train --init and export take the result")
    .requiredOption("--out <dir>", "gets the checkpoint's folder, step-00000000")
    .option(
      "--tokenizer <name|folder>",
      "gpt2, or a folder with vocab.json and merges.txt (default: that folder, or gpt2)",
    )
    .addOption(dryRunOption())
    .option("--json", "print the result as JSON")
    .action(importModel);
}

export function addExportCommand(program: Command): void {
  const command = program.command("export").description("write a trained model for other programs");
  command
    .command("hf")
    .argument("<checkpoint>", "folder of a run, of its training or of one checkpoint")
    .description("write the Hugging Face layout: transformers opens the folder as GPT2LMHeadModel")
    .requiredOption("--out <dir>", "folder of the result")
    .option("--tokenizer <name|folder>", "where the checkpoint's tokenizer lies now (default: where it lay)")
    .addOption(dryRunOption())
    .option("--json", "print the result as JSON")
    .action(exportModel);
}

function dryRunOption(): Option {
  return new Option("--dry-run", "check everything and write nothing");
}

async function importModel(from: string, options: HuggingFaceOptions): Promise<void> {
  const { checkImport, importHuggingFace, inspectHuggingFace, numParameters } = await import("../models/index.js");
  const { model } = await inspectHuggingFace(from);
  const tokenizer = await tokenizerBeside(from, model.vocabSize, options.tokenizer);
  const parameters = numParameters({ ...model, paddedVocabSize: model.vocabSize });
  const figures = { model, parameters, tokenizer: tokenizer.name };
  const wanted = { from, out: options.out, tokenizer };
  if (options.dryRun === true) {
    await checkImport(wanted);
    print(options, { ...figures, checkpoint: null }, `${from} can be imported: ${count(parameters)} parameters`);
    return;
  }
  const { dir } = await importHuggingFace(wanted);
  print(options, { ...figures, checkpoint: dir }, `imported ${count(parameters)} parameters as ${dir}`);
}

/** What is given; else the files beside the model; else GPT-2's own for a model of so many ids. */
async function tokenizerBeside(dir: string, vocabSize: number, given: string | undefined): Promise<Tokenizer> {
  const { FOLDER_FILES, loadTokenizer } = await import("../tokenizers/index.js");
  const gpt2 = () => loadTokenizer("gpt2");
  if (given !== undefined) return loadTokenizer(given === "gpt2" ? given : resolve(given));
  if (FOLDER_FILES.every((file) => existsSync(join(dir, file)))) {
    const beside = loadTokenizer(resolve(dir));
    return beside.fingerprint === gpt2().fingerprint ? gpt2() : beside;
  }
  if (gpt2().vocabSize === vocabSize) return gpt2();
  throw invalid(
    "config-import",
    `expected ${FOLDER_FILES.join(" and ")} in ${dir} for a model of ${vocabSize} ids, got neither`,
    { hint: "name the tokenizer's folder with --tokenizer" },
  );
}

async function exportModel(path: string, options: HuggingFaceOptions): Promise<void> {
  const { openCheckpoint } = await import("../evaluate/index.js");
  const { loadTokenizer, vocabularyFiles } = await import("../tokenizers/index.js");
  const { checkExport, exportHuggingFace } = await import("../models/index.js");
  const checkpoint = await openCheckpoint(path);
  const { name, fingerprint } = checkpoint.state.dataset.tokenizer;
  const tokenizer = loadTokenizer(options.tokenizer ?? name);
  if (tokenizer.fingerprint !== fingerprint) {
    throw invalid(
      "config-tokenizer",
      `expected the tokenizer ${name} that the model was trained with (${fingerprint}), got ${tokenizer.fingerprint}`,
    );
  }
  const found = { checkpoint: checkpoint.dir, step: checkpoint.state.step };
  checkExport(options.out);
  if (options.dryRun === true) {
    print(options, { ...found, files: [] }, `${checkpoint.dir} can be exported`);
    return;
  }
  const { endOfDocumentId } = tokenizer;
  const files = await exportHuggingFace({
    checkpoint,
    out: options.out,
    tokenizer: { endOfDocumentId, ...vocabularyFiles(tokenizer.name) },
  });
  print(options, { ...found, out: options.out, files }, `exported ${checkpoint.dir} to ${options.out}`);
}

function print({ json }: HuggingFaceOptions, result: object, sentence: string): void {
  process.stdout.write(json === true ? `${JSON.stringify(result, null, 2)}\n` : `${sentence}\n`);
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
