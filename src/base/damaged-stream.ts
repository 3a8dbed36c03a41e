// What every decoder throws behind all that it could decode.

/** The compressed bytes are damaged, end too early (`truncated`), or are none. */
export class DamagedStream extends Error {
  readonly truncated: boolean;

  constructor(message: string, { truncated = false, cause }: { truncated?: boolean; cause?: unknown } = {}) {
    super(message, { cause });
    this.truncated = truncated;
  }
}
