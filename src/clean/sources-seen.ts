// Which sources there are, as far as rules with `sources` ask: a rule whose names match none of them, for a letter that is
// wrong perhaps, does nothing, and says so once.
import type { DocumentBlock } from "../records/document-block.js";
import type { CleanConfig } from "./config.js";
import { matchesSource } from "./sources.js";

/** So many are named, in their order; a corpus may have as many sources as documents. */
const MAX_NAMED = 10;

/** What one block knows of it. Plain data. */
export interface SourcesSeen {
  /** The first of its sources by name, one more than are told of. */
  readonly names: readonly string[];
  /** Keys of the rules that are for none of its sources. */
  readonly idle: readonly string[];
}

/** Each rule that has `sources`, by its key. */
function askingRules(config: CleanConfig): [key: string, sources: readonly string[]][] {
  return Object.entries(config).flatMap(([key, rule]) => {
    const sources = typeof rule === "object" ? (rule as { sources?: readonly string[] }).sources : undefined;
    return sources === undefined ? [] : [[key, sources]];
  });
}

function firstNames(names: Iterable<string>): string[] {
  return [...new Set(names)].sort().slice(0, MAX_NAMED + 1);
}

export class SourceWatch {
  readonly #rules: ReturnType<typeof askingRules>;
  #names: string[] = [];
  #idle: ReturnType<typeof askingRules>;

  constructor(config: CleanConfig) {
    this.#rules = askingRules(config);
    this.#idle = this.#rules;
  }

  add({ numDocuments, sources }: Pick<DocumentBlock, "numDocuments" | "sources">): void {
    if (this.#rules.length === 0 || numDocuments === 0) return;
    this.#names = firstNames([...this.#names, ...sources]);
    this.#idle = this.#idle.filter(([, patterns]) => !sources.some((source) => matchesSource(patterns, source)));
  }

  /** Undefined where no rule asks, or no document is there to ask about. */
  seen(): SourcesSeen | undefined {
    if (this.#names.length === 0) return undefined;
    return { names: this.#names, idle: this.#idle.map(([key]) => key) };
  }
}

/** A sentence for each rule that was for no document of the run. */
export function idleRuleNotes(config: CleanConfig, blocks: readonly (SourcesSeen | undefined)[]): string[] {
  const seen = blocks.filter((block) => block !== undefined);
  if (seen.length === 0) return [];
  const names = firstNames(seen.flatMap((block) => block.names));
  const named = names.slice(0, MAX_NAMED).join(", ") + (names.length > MAX_NAMED ? " and others" : "");
  return askingRules(config)
    .filter(([key]) => seen.every(({ idle }) => idle.includes(key)))
    .map(
      ([key, sources]) =>
        `warning: ${key} was for no document: its sources (${sources.join(", ")}) match none of those there are: ${named}`,
    );
}
