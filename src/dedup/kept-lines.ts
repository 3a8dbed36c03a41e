// The kept records of a block of JSON lines, as they stand in the input, each with one line end: found by their places
// in the pieces of the input and moved together where they lie, without being parsed again.

const NEWLINE = 0x0a;

/** Rows of one block in the order of the input. */
export interface RecordRows {
  /** In the decompressed stream. */
  readonly offsets: Float64Array;
  /** Without line ends. */
  readonly lengths: Uint32Array;
  /** 1 for the rows that go to kept.jsonl. */
  readonly kept: Uint8Array;
}

export class KeptLines {
  readonly #rows: RecordRows;
  /** The first row that no piece has held. */
  #next = 0;

  constructor(rows: RecordRows) {
    this.#rows = rows;
  }

  /**
   * Moves the kept lines of the next piece to its front. Returns how many bytes they are: one more than the piece has
   * when all of it is kept and its last line lacks the line end, which the caller then adds.
   */
  compact(bytes: Uint8Array, offset: number): number {
    const { offsets, lengths, kept } = this.#rows;
    const pieceEnd = offset + bytes.length;
    let filled = 0;
    // The run of lines [begin, end) that is not yet moved.
    let [begin, end] = [0, 0];
    for (; this.#next < offsets.length && offsets[this.#next]! < pieceEnd; this.#next += 1) {
      if (kept[this.#next] === 0) continue;
      const at = offsets[this.#next]! - offset;
      if (at !== end) {
        filled = move(bytes, begin, end, filled);
        begin = at;
      }
      end = at + lengths[this.#next]! + 1;
    }
    return move(bytes, begin, end, filled);
  }
}

/** Moves a run of lines, of which the last may end with CR LF or with the file, and ends it with LF. */
function move(bytes: Uint8Array, begin: number, end: number, to: number): number {
  if (begin === end) return to;
  if (begin !== to) bytes.copyWithin(to, begin, end);
  const filled = to + end - begin;
  if (filled <= bytes.length) bytes[filled - 1] = NEWLINE;
  return filled;
}

/** Counts line ends up to ascending places in the pieces of a stream. */
export class LineCounter {
  /** Where counting has come to: in the piece, and in lines before. */
  #at = 0;
  #lines = 0;

  /** Line ends before `place`, an index of the piece at hand that is not below the last one asked for. */
  before(bytes: Uint8Array, place: number): number {
    for (let found = bytes.indexOf(NEWLINE, this.#at); found !== -1 && found < place; ) {
      this.#lines += 1;
      this.#at = found + 1;
      found = bytes.indexOf(NEWLINE, this.#at);
    }
    return this.#lines;
  }

  /** The piece has no more places to ask for. */
  endPiece(bytes: Uint8Array): void {
    this.before(bytes, bytes.length);
    this.#at = 0;
  }
}
