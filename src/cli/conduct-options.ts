// The options of all commands that conduct a run. Apart from conduct.ts, so that `--help` and `--version` load no conductor.
import type { Command } from "./command-line.js";

export interface ConductOptions {
  readonly set?: readonly string[];
  /** A file of the stage's configuration. */
  readonly rules?: string;
  readonly workers?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly verify?: boolean;
  /** Refuse to begin anew. */
  readonly resume?: boolean;
  /** Write the report when the run is complete. */
  readonly report?: boolean;
}

/** `pooled`: it has data stages, which run on worker threads. `example`: of a key and its value, for the help. */
export function addConductOptions(command: Command, pooled: boolean, example = "train.steps=20"): Command {
  if (pooled) command.option("--workers <n>", "worker threads of the data stages (default: one a processor)");
  return command
    .option(
      "--set <key=value>",
      `override one key of the configuration, dotted, the value in YAML, such as ${example}; may be repeated`,
      (value: string, before: string[] | undefined) => [...(before ?? []), value],
    )
    .option("--dry-run", "print the resolved plan and do nothing")
    .option("--verify", "read the outputs of finished stages again, not only look at their sizes")
    .option("--json", "print the summary as JSON");
}

/** A number where the text is one; otherwise the text, which the schema then refuses with its name. */
export function numeric(text: string): number | string {
  const value = Number(text);
  return text.trim() === "" || Number.isNaN(value) ? text : value;
}
