// The one error class. Callers match on `code`; people read one sentence of the shape
// "expected <what> for <name>, got <value>". `invalid` is for what a user can cause, `invariant` for what only we can.

/** Where a fault was found: any part may be absent. `offset` is in bytes of the decompressed stream. */
export interface Where {
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  /** 1-based, in characters; only where a person wrote the file. */
  readonly column?: number | undefined;
  readonly offset?: number | undefined;
  readonly record?: string | undefined;
}

export interface ErrorDetails {
  readonly stage?: string | undefined;
  readonly where?: Where | undefined;
  /** What the user can do about it, one sentence. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** A plain object that survives a worker boundary; own fields of Error do not. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly stage?: string | undefined;
  readonly where?: Where | undefined;
  readonly hint?: string | undefined;
  readonly stack?: string | undefined;
}

export class MillraceError extends Error {
  readonly code: string;
  readonly stage: string | undefined;
  readonly where: Where | undefined;
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "MillraceError";
    this.code = code;
    this.stage = details.stage;
    this.where = details.where;
    this.hint = details.hint;
  }

  toWire(): WireError {
    const { code, message, stage, where, hint, stack } = this;
    return { code, message, stage, where, hint, stack };
  }
}

/** A fault that a user can cause and mend: wrong configuration, missing file, bad data. Exit code 2 when `code` starts with "config". */
export function invalid(code: string, message: string, details: ErrorDetails = {}): MillraceError {
  return new MillraceError(code, message, details);
}

/** A fault that only this program can cause. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new MillraceError("internal", message);
}

export function toWireError(error: unknown): WireError {
  if (error instanceof MillraceError) return error.toWire();
  if (error instanceof Error) {
    const code = (error as NodeJS.ErrnoException).code ?? "internal";
    // The message of a failed write does not even name the file.
    const hint = code === "ENOSPC" ? "the disk is full: make room, and the same command goes on" : undefined;
    return { code: String(code), message: error.message, hint, stack: error.stack };
  }
  return { code: "internal", message: String(error) };
}

export function fromWireError(wire: WireError): MillraceError {
  const error = new MillraceError(wire.code, wire.message, { stage: wire.stage, where: wire.where, hint: wire.hint });
  if (wire.stack !== undefined) error.stack = wire.stack;
  return error;
}

/** `file:line:column (byte N, record ID)` with the parts that are known. */
export function formatWhere(where: Where): string {
  const place = [where.file, where.line, where.column].filter((part) => part !== undefined).join(":");
  const extra: string[] = [];
  if (where.offset !== undefined) extra.push(`byte ${where.offset}`);
  if (where.record !== undefined) extra.push(`record ${where.record}`);
  if (extra.length === 0) return place;
  return place === "" ? extra.join(", ") : `${place} (${extra.join(", ")})`;
}
