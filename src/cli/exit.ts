// How a command ends: 0 done; 1 the work failed; 2 the command line or recipe is wrong; 130 interrupted, resumable.

import { formatWhere, MillraceError, toWireError, type WireError } from "../base/errors.js";
import { CommanderError } from "./command-line.js";

export const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
export const EXIT_INTERRUPTED = 130;

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  const { code } = toWireError(error);
  if (code === "interrupted") return EXIT_INTERRUPTED;
  return code.startsWith("config") ? EXIT_USAGE : EXIT_FAILED;
}

/** One sentence with its place, then what can be done; the stack only for who asks. */
export function formatError(error: unknown): string {
  const wire: WireError = toWireError(error);
  const place = wire.where === undefined ? "" : formatWhere(wire.where);
  const head = [wire.stage, place === "" ? undefined : place].filter((part) => part !== undefined).join(": ");
  const lines = [`millrace: ${head === "" ? "" : `${head}: `}${wire.message}`];
  if (wire.hint !== undefined) lines.push(`  ${wire.hint}`);
  if ((process.env.MILLRACE_DEBUG ?? "") !== "") {
    lines.push(wire.stack ?? "");
    if (error instanceof MillraceError && error.cause instanceof Error)
      lines.push(`caused by ${error.cause.stack ?? ""}`);
  } else if (wire.code === "internal") {
    lines.push("  this is a fault of millrace itself; MILLRACE_DEBUG=1 shows where");
  }
  return lines.join("\n");
}
