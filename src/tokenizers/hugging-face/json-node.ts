// Strict reading of a parsed JSON file: every value knows its path, and what is missing, of another type or unknown is
// refused with that path.
import { invalid, type MillraceError } from "../../base/errors.js";

/** As in the official library; what reads a file calls itself for each. */
const MOST_NESTED = 128;

/** The first escape that stands for half of a surrogate pair alone, in the text of a JSON file: no UTF-8 has it. */
export function loneSurrogate(json: string): string | undefined {
  let high: { readonly token: string; readonly end: number } | undefined;
  for (const { 0: token, 1: digits, index } of json.matchAll(/\\(?:u([0-9a-fA-F]{4})|[^u])/g)) {
    const unit = digits === undefined ? 0 : Number.parseInt(digits, 16);
    const isLow = unit >= 0xdc00 && unit < 0xe000;
    if (high !== undefined && !(isLow && index === high.end)) return high.token;
    if (isLow && high === undefined) return token;
    high = unit >= 0xd800 && unit < 0xdc00 ? { token, end: index + token.length } : undefined;
  }
  return high?.token;
}

export class JsonNode {
  readonly value: unknown;
  readonly path: string;
  readonly file: string;
  readonly #depth: number;

  constructor(value: unknown, path: string, file: string, depth = 0) {
    this.value = value;
    this.path = path;
    this.file = file;
    this.#depth = depth;
    if (depth > MOST_NESTED) {
      const shown = `${path.slice(0, MOST_SHOWN)}...`;
      throw invalid("config-tokenizer", `expected at most ${MOST_NESTED} values in one another, got more in ${shown}`, {
        where: { file },
      });
    }
  }

  /** "expected <what> for <path>, got <value>" as `config-tokenizer`. */
  refusal(expected: string, hint?: string): MillraceError {
    const got = this.value === undefined ? "nothing" : shortened(this.value);
    return invalid("config-tokenizer", `expected ${expected} for ${this.path || "the file"}, got ${got}`, {
      where: { file: this.file },
      hint,
    });
  }

  get isAbsent(): boolean {
    return this.value === undefined || this.value === null;
  }

  string(): string {
    if (typeof this.value !== "string") throw this.refusal("a string");
    return this.value;
  }

  /** One Unicode character. */
  character(): string {
    const text = this.string();
    if ([...text].length !== 1) throw this.refusal("one character");
    return text;
  }

  boolean(): boolean {
    if (typeof this.value !== "boolean") throw this.refusal("true or false");
    return this.value;
  }

  wholeNumber(least = 0, most = 2 ** 31 - 1): number {
    const { value } = this;
    if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
      throw this.refusal(`a whole number from ${least} to ${most}`);
    }
    return value;
  }

  oneOf<Name extends string>(names: readonly Name[]): Name {
    if (!names.includes(this.value as Name)) throw this.refusal(names.map((name) => `"${name}"`).join(" or "));
    return this.value as Name;
  }

  array(): JsonNode[] {
    if (!Array.isArray(this.value)) throw this.refusal("a list");
    return this.value.map((value, index) => new JsonNode(value, `${this.path}[${index}]`, this.file, this.#depth + 1));
  }

  /** Names and values of an object. */
  entries(): [string, unknown][] {
    if (!isObject(this.value)) throw this.refusal("an object");
    return Object.entries(this.value);
  }

  /** The field, absent or not. */
  field(name: string): JsonNode {
    const value = isObject(this.value) && Object.hasOwn(this.value, name) ? this.value[name] : undefined;
    return new JsonNode(value, this.path === "" ? name : `${this.path}.${name}`, this.file, this.#depth + 1);
  }

  /** Refuses fields of other names: a setting is never ignored. */
  only(...names: readonly string[]): this {
    for (const [name] of this.entries()) {
      if (!names.includes(name)) {
        const known = names.map((known) => `"${known}"`).join(", ");
        throw invalid(
          "config-tokenizer",
          `expected ${known} for the fields of ${this.path || "the file"}, got "${name}"`,
          {
            where: { file: this.file },
          },
        );
      }
    }
    return this;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const MOST_SHOWN = 80;

/** Of a list or an object with others in it, only what it is: it may be of any size and depth. */
function shortened(value: unknown): string {
  if (typeof value === "number") return String(value);
  const parts = typeof value === "object" && value !== null ? Object.values(value) : [];
  if (parts.length > MOST_SHOWN || parts.some((part) => typeof part === "object" && part !== null)) {
    return Array.isArray(value) ? `a list of ${parts.length}` : `an object of ${parts.length} fields`;
  }
  const text = JSON.stringify(value);
  return text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN)}...`;
}
