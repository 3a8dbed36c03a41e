// From the table of stage-commands.ts to commander's options, and from what was typed to a stage's configuration.
import { resolve } from "node:path";
import { isRemote } from "../base/storage/index.js";
import type { Override } from "../run/config-source.js";
import { type Command, Option } from "./command-line.js";
import { numeric } from "./conduct-options.js";
import type { StageCommand } from "./stage-commands.js";

export function addStageOptions(command: Command, stage: StageCommand): Command {
  for (const { flags, description } of stage.folders ?? []) command.requiredOption(flags, description);
  for (const { flags, description, required } of stage.options) {
    const option = new Option(flags, description);
    command.addOption(required === true ? option.makeOptionMandatory() : option);
  }
  if (stage.rules !== undefined) command.option("--rules <file>", stage.rules);
  return command;
}

/** The configuration that the arguments of a stage's command say. */
export function stageConfig(
  stage: StageCommand,
  inputs: readonly string[],
  options: Readonly<Record<string, unknown>>,
): { base: Record<string, unknown>; overrides: Override[] } {
  const folders = (stage.folders ?? []).map(({ flags }) => String(options[new Option(flags).attributeName()]));
  const paths = [...folders, ...inputs];
  const overrides = stage.options.flatMap(({ flags, key, kind }): Override[] => {
    const option = new Option(flags);
    const value = options[option.attributeName()];
    if (value === undefined) return [];
    const path = [stage.key, ...key.split(".")];
    if (kind === "flag") return [{ path, value: true, origin: option.long! }];
    const text = String(value);
    return [{ path, value: kind === "number" ? numeric(text) : text, origin: `${option.long} ${text}` }];
  });
  const base = {
    // An address is refused where the recipe is.
    out: isRemote(String(options.out)) ? String(options.out) : resolve(String(options.out)),
    layout: "flat",
    inputs: paths.map((path) => ({ path })),
    [stage.key]: {},
  };
  return { base, overrides };
}
