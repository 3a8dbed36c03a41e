// Strict reading of a parsed JSON file: every value knows its path, and what is missing, of another type or unknown is
// refused with that path.
import { invalid, type MillraceError } from "../../base/errors.js";

export class JsonNode {
  readonly value: unknown;
  readonly path: string;
  readonly file: string;

  constructor(value: unknown, path: string, file: string) {
    this.value = value;
    this.path = path;
    this.file = file;
  }

  /** "expected <what> for <path>, got <value>" as `config-tokenizer`. */
  refusal(expected: string, hint?: string): MillraceError {
    const got = this.value === undefined ? "nothing" : shortened(this.value);
    return invalid("config-tokenizer", `expected ${expected} for ${this.path}, got ${got}`, {
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
    return this.value.map((value, index) => new JsonNode(value, `${this.path}[${index}]`, this.file));
  }

  /** Names and values of an object. */
  entries(): [string, unknown][] {
    if (!isObject(this.value)) throw this.refusal("an object");
    return Object.entries(this.value);
  }

  /** The field, absent or not. */
  field(name: string): JsonNode {
    const value = isObject(this.value) && Object.hasOwn(this.value, name) ? this.value[name] : undefined;
    return new JsonNode(value, this.path === "" ? name : `${this.path}.${name}`, this.file);
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

function shortened(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN)}...`;
}
