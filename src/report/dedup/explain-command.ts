// The command that says why a document was removed or kept.
import type { Markup } from "../html.js";
import { millraceCommand } from "../names.js";

export function explainCommand(id: string, dir: string): Markup | undefined {
  return millraceCommand("explain", ...(id.startsWith("-") ? ["--"] : []), id, "--in", dir);
}
