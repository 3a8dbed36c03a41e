// Where a result goes: into a folder that is there or can be made.
import { statSync } from "node:fs";
import { invalid } from "../../base/errors.js";

/** Throws `config-out` where a file lies in the way. */
export function requireFolder(out: string): void {
  if (statSync(out, { throwIfNoEntry: false })?.isDirectory() === false)
    throw invalid("config-out", `expected a folder, or nothing yet, for the result, got the file ${out}`);
}
