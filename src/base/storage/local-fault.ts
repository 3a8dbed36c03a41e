// Why an input file of this machine cannot be read, in words that say what to do: it was there when the run began, but files
// are moved, replaced and locked away while others read them.
import { invalid, MillraceError } from "../errors.js";

/** Nothing is there any more, or nothing that a name leads to. */
const GONE: readonly unknown[] = ["ENOENT", "ENOTDIR", "ELOOP"];
const DENIED: readonly unknown[] = ["EACCES", "EPERM"];

/** The error for people of one that node:fs gave for `path`. Errors that are ours already pass as they are. */
export function localFault(path: string, cause: unknown): Error {
  if (cause instanceof MillraceError) return cause;
  const { code = "an error", message } = cause as NodeJS.ErrnoException;
  const where = { file: path };
  if (GONE.includes(code)) {
    const hint = "put it back as it was and run again: what is finished is kept; or leave it out of the inputs";
    return invalid("input-changed", "expected an input where it was found first, got none there by now", {
      where,
      hint,
      cause,
    });
  }
  if (code === "EISDIR") return notAFile(path, "a folder");
  if (DENIED.includes(code)) {
    const hint = "give the user who runs this the right to read it and to enter the folders above it, and run again";
    return invalid("input-unreadable", `expected to be allowed to read the input, got ${code}`, { where, hint, cause });
  }
  const hint = "see that the disk is sound and the share it lies on is there, and run again: what is finished is kept";
  return invalid("input-unreadable", `expected the bytes of the input, got ${code} (${message})`, {
    where,
    hint,
    cause,
  });
}

/** `found`: what stands at `path` in the place of a file, such as "a folder". */
export function notAFile(path: string, found: string): Error {
  return invalid("input-changed", `expected a file for the input, got ${found} in its place`, {
    where: { file: path },
    hint: "put a file there and run again: what is finished is kept",
  });
}
