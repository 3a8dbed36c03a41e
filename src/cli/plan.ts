// `millrace plan`: the memory of a training run before it starts, under every recomputation. The code that plans is the
// code that allocates, so the figures are exact.
import type { MemoryPlan, NativeTrainerConfig } from "../native/trainer.js";
import type { Command } from "./command-line.js";
import { addStageOptions, stageConfig } from "./stage-arguments.js";
import { type StageCommand, stageCommands } from "./stage-commands.js";

const RECOMPUTATIONS = ["none", "selective", "full"] as const;
/** Options of `train` that memory depends on. */
const KEYS = ["model", "tp", "dp", "device", "precision", "microBatch", "globalBatch", "sequenceLength", "threads"];

const train = stageCommands.find(({ key }) => key === "train")!;
const planned: StageCommand = {
  key: "train",
  description: "say exactly how much memory a training run takes, and what recomputation saves",
  options: train.options.filter(({ key }) => KEYS.includes(key) || key === "verifyParallel"),
};

export function addPlanCommand(program: Command): void {
  const command = program.command("plan").description(planned.description);
  addStageOptions(command, planned).option("--json", "print bytes as JSON").action(plan);
}

async function plan({ json, ...options }: Record<string, unknown> & { json?: boolean }): Promise<void> {
  const { describeIssues } = await import("../run/config-issue.js");
  const { fromOverrides } = await import("../run/config-source.js");
  const { resolveTraining, trainerConfig, trainSchema } = await import("../train/index.js");
  const { backendOf } = await import("../models/index.js");

  const { base, overrides } = stageConfig(planned, [], { ...options, out: "." });
  const source = fromOverrides(base, overrides);
  const value = { steps: 1, ...(source.value.train as object) };
  const parsed = trainSchema.safeParse(value);
  if (!parsed.success) throw source.fail(describeIssues(trainSchema, value, parsed.error.issues, ["train"]));
  const { training, run } = await resolveTraining(parsed.data);
  const backend = backendOf(run.device);
  const plans: MemoryPlan[] = [];
  for (const recompute of RECOMPUTATIONS)
    plans.push(await planOf(trainerConfig(training, { ...run, recompute }, backend)));

  if (json === true) {
    const perRank = Object.fromEntries(RECOMPUTATIONS.map((name, index) => [name, bytesOf(plans[index]!)]));
    const { tp, dp } = run;
    const result = { model: training.model, numParameters: plans[0]!.numParameters, backend, tp, dp, perRank };
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    return;
  }
  const { microBatch, sequenceLength, precision } = training;
  const lines = [
    `${count(plans[0]!.numParameters)} parameters, ${precision}, ${backend} backend; ${run.tp} x ${run.dp} ranks, ` +
      `each ${count(microBatch)} sequences of ${count(sequenceLength)} tokens at a time`,
    row("MiB a rank, --recompute", [...RECOMPUTATIONS]),
    ...Object.keys(bytesOf(plans[0]!)).map((part) =>
      row(
        // Not in the arena: there while a checkpoint is written.
        part === "snapshot" ? "and a snapshot" : part,
        plans.map((one) => mebibytes(bytesOf(one)[part]!)),
      ),
    ),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** Needs no GPU, but a build that has GPUs' code. */
async function planOf(config: NativeTrainerConfig): Promise<MemoryPlan> {
  const { native } = await import("../native.js");
  const { noDevice } = await import("../models/index.js");
  try {
    return native().planTraining(config);
  } catch (error) {
    throw (error as { code?: unknown }).code === "native-no-device" ? noDevice((error as Error).message, error) : error;
  }
}

function bytesOf(plan: MemoryPlan): Record<string, number> {
  const { parameterBytes, gradientBytes, optimizerBytes, activationBytes, totalBytes, snapshotBytes } = plan;
  return {
    parameters: parameterBytes,
    gradients: gradientBytes,
    optimizer: optimizerBytes,
    activations: activationBytes,
    total: totalBytes,
    snapshot: snapshotBytes,
  };
}

function row(name: string, columns: readonly string[]): string {
  return name.padEnd(24) + columns.map((column) => column.padStart(14)).join("");
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toLocaleString("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
