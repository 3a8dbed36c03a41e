// Where reading stands in one leaf column: its next value and that value's levels. Rows are taken from it only when all of
// the row's values are here, so that taking needs no waiting.
import type { ChunkPages, Page } from "./parquet-pages.js";
import type { ParquetLeaf } from "./parquet-schema.js";

const NO_PAGE: Page = { definitionLevels: undefined, repetitionLevels: undefined, values: [], numValues: 0 };

export class LeafCursor {
  readonly #pages: ChunkPages;
  readonly #leaf: ParquetLeaf;
  #page = NO_PAGE;
  #at = 0;
  /** Of values that are there: nulls are not stored. */
  #valueAt = 0;
  /** Rows that begin at or behind the next value, and whether another page may go on with the last of them. */
  #rowsBegun = 0;
  #isLast = false;

  constructor(pages: ChunkPages, leaf: ParquetLeaf) {
    this.#pages = pages;
    this.#leaf = leaf;
  }

  /** Rows of which all values are here. */
  get numRows(): number {
    if (!this.#leaf.isRepeated) return this.#page.numValues - this.#at;
    return this.#isLast ? this.#rowsBegun : Math.max(0, this.#rowsBegun - 1);
  }

  /** Makes another row ready, or more; false: there is none. */
  async load(): Promise<boolean> {
    while (this.numRows === 0) {
      if (this.#isLast) return false;
      this.#append((await this.#pages.next())?.page);
    }
    return true;
  }

  /** Passes over rows; false: there are not so many. */
  async skipRows(count: number): Promise<boolean> {
    let left = count;
    if (left > 0) {
      const found = await this.#pages.next(left);
      left -= found?.skipped ?? 0;
      this.#append(found?.page);
    }
    for (; left > 0; left -= 1) {
      if (!(await this.load())) return false;
      do this.advance();
      while (this.repetition() > 0);
    }
    return true;
  }

  #append(more: Page | undefined): void {
    if (more === undefined) {
      this.#isLast = true;
      return;
    }
    this.#page = this.#at === this.#page.numValues ? more : joined(this.#rest(), more, this.#leaf.definition);
    this.#at = 0;
    this.#valueAt = 0;
    const { repetitionLevels, numValues } = more;
    if (repetitionLevels === undefined) this.#rowsBegun += numValues;
    else for (let i = 0; i < numValues; i += 1) if (repetitionLevels[i] === 0) this.#rowsBegun += 1;
  }

  #rest(): Page {
    const { definitionLevels, repetitionLevels, values, numValues } = this.#page;
    return {
      definitionLevels: definitionLevels && Array.from(definitionLevels).slice(this.#at),
      repetitionLevels: repetitionLevels && Array.from(repetitionLevels).slice(this.#at),
      values: Array.from(values).slice(this.#valueAt),
      numValues: numValues - this.#at,
    };
  }

  definition(): number {
    return this.#page.definitionLevels?.[this.#at] ?? this.#leaf.definition;
  }

  /** 0 where the next row begins, and at the end. */
  repetition(): number {
    return this.#page.repetitionLevels?.[this.#at] ?? 0;
  }

  /** The value, which is there. */
  value(): unknown {
    return this.#page.values[this.#valueAt];
  }

  advance(): void {
    if (this.definition() === this.#leaf.definition) this.#valueAt += 1;
    if (this.repetition() === 0) this.#rowsBegun -= 1;
    this.#at += 1;
  }
}

/** A row may go on in the next page. */
function joined(a: Page, b: Page, definition: number): Page {
  const levels = (page: Page, of: ArrayLike<number> | undefined, otherwise: number): number[] =>
    of === undefined ? new Array<number>(page.numValues).fill(otherwise) : Array.from(of);
  return {
    definitionLevels: [...levels(a, a.definitionLevels, definition), ...levels(b, b.definitionLevels, definition)],
    repetitionLevels: [...levels(a, a.repetitionLevels, 0), ...levels(b, b.repetitionLevels, 0)],
    values: [...Array.from(a.values), ...Array.from(b.values)],
    numValues: a.numValues + b.numValues,
  };
}
