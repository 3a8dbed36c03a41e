// Says in one sentence what is wrong with a configuration value: "expected <what> for <name>, got <value>". Knows zod's
// kinds of issues; knows nothing of files or command lines.
import { z } from "../base/schema.js";

type Issue = z.core.$ZodIssue;
export type ConfigPath = readonly (string | number)[];

export interface ConfigIssue {
  /** Where the value stands or should stand; for an unknown key, the key itself. */
  readonly path: ConfigPath;
  readonly message: string;
  /** The message is about several keys below `path`, which it names. */
  readonly below?: true;
  readonly hint?: string | undefined;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  string: "text",
  boolean: "true or false",
  array: "a list",
  object: "a mapping of keys to values",
  record: "a mapping of keys to values",
  null: "nothing",
  nonoptional: "a value",
};

/** The issues of `value` in the order zod found them; `prefix` is where `value` stands in the whole. */
export function describeIssues(
  schema: z.ZodType,
  value: unknown,
  issues: readonly Issue[],
  prefix: ConfigPath = [],
): ConfigIssue[] {
  return issues.flatMap((issue) => describeIssue(schema, value, issue, prefix));
}

function formatPath(path: ConfigPath): string {
  return path.length === 0 ? "the recipe" : path.join(".");
}

function describeIssue(schema: z.ZodType, value: unknown, issue: Issue, prefix: ConfigPath): ConfigIssue[] {
  const local = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
  const path = [...prefix, ...local];
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(schema, local);
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `expected ${known.length === 0 ? "no such key" : `one of the keys ${known.join(", ")}`} for ${formatPath(path)}, got "${key}"`,
      hint: suggest(key, known),
    }));
  }
  const got = valueAt(value, local);
  const message = `expected ${expectation(issue)} for ${formatPath(path)}, got ${show(got)}`;
  const wantsMapping = issue.code === "invalid_type" && issue.expected === "object" && (got === null || got === true);
  return [{ path, message, ...(wantsMapping && { hint: `write ${path.at(-1)}: {} for its defaults` }) }];
}

function expectation(issue: Issue): string {
  // A schema that says what it expects in its own words knows best.
  if (issue.message.startsWith("expected ")) return issue.message.slice("expected ".length);
  switch (issue.code) {
    case "invalid_type":
      return TYPE_WORDS[issue.expected] ?? issue.expected;
    case "invalid_value":
      return issue.values.length === 1 ? show(issue.values[0]) : `one of ${issue.values.map(show).join(", ")}`;
    case "too_small":
      return `${quantity(issue.origin)} ${issue.inclusive ? "of at least" : "above"} ${issue.minimum}${unit(issue.origin)}`;
    case "too_big":
      return `${quantity(issue.origin)} ${issue.inclusive ? "of at most" : "below"} ${issue.maximum}${unit(issue.origin)}`;
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "invalid_union": {
      const branches = issue.errors.map((errors) => errors[0]).filter((first) => first !== undefined);
      return [...new Set(branches.map(expectation))].join(" or ") || "a valid value";
    }
    default:
      return `a valid value (${issue.message})`;
  }
}

function quantity(origin: string): string {
  if (origin === "string") return "text";
  if (origin === "array" || origin === "set") return "a list";
  return "a number";
}

function unit(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" || origin === "set" ? " items" : "";
}

/** A value as a person would write it, cut where it is long. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  // JSON has no word for what 1e999 becomes.
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  const text = typeof value === "bigint" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

function valueAt(value: unknown, path: ConfigPath): unknown {
  let current = value;
  for (const part of path) {
    if (typeof current !== "object" || current === null) return undefined;
    current = (current as Record<string | number, unknown>)[part];
  }
  return current;
}

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

/** Keys that the schema knows at `path`; empty where it cannot tell. */
function keysAt(schema: z.ZodType, path: ConfigPath): string[] {
  // What is made of a value before it is checked, or after, has no shape on that side.
  let nodes = (["input", "output"] as const).map(
    (io) => z.toJSONSchema(schema, { io, unrepresentable: "any" }) as SchemaNode,
  );
  for (const part of path) {
    nodes = nodes
      .flatMap((node) => node.anyOf ?? [node])
      .flatMap((node) => {
        const next = typeof part === "number" ? node.items : node.properties?.[part];
        return next === undefined ? [] : [next];
      });
  }
  return [
    ...new Set(nodes.flatMap((node) => node.anyOf ?? [node]).flatMap((node) => Object.keys(node.properties ?? {}))),
  ];
}

function suggest(key: string, known: readonly string[]): string | undefined {
  const ranked = known.map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) }));
  ranked.sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(1, Math.floor(key.length / 3))
    ? `did you mean "${best.name}"?`
    : undefined;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
