// What is wrong with a table as a whole: it ends the run, since nothing after it in the file can be trusted.
import { invalid, MillraceError } from "../../base/errors.js";

/** `what` was found damaged at a byte of the file. Errors that are ours already pass as they are. */
export function damagedTable(file: string, offset: number, what: string, cause?: unknown): Error {
  if (cause instanceof MillraceError) return cause;
  const said = cause instanceof Error ? ` (${cause.message})` : "";
  return invalid("table-damaged", `expected a sound file at ${file}, got ${what}${said}`, {
    where: { file, offset },
    hint: "fetch the file again, or write it again with the program that made it",
    cause,
  });
}

export function unsupportedTable(file: string, what: string): Error {
  return invalid("table-unsupported", `expected a table that can be read here at ${file}, got ${what}`, {
    where: { file },
    hint: "write it again without that, with pyarrow for example",
  });
}
