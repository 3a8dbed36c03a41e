// Where configuration values come from: a YAML file whose nodes have positions, and overrides that come one by one from a
// command line. Merges both into one value and turns an issue with it into an error that points at its origin.
import { type Document, isMap, isNode, isScalar, LineCounter, parse, parseDocument, stringify } from "yaml";
import { invalid, type MillraceError, type Where } from "../base/errors.js";
import type { ConfigIssue, ConfigPath } from "./config-issue.js";
import { show } from "./config-issue.js";

export interface Override {
  readonly path: ConfigPath;
  readonly value: unknown;
  /** As the user typed it: "--set dedup.threshold=2". */
  readonly origin: string;
}

export interface ConfigSource {
  readonly value: Record<string, unknown>;
  /** The error for the first of `issues`, pointing at the override or the place in the file that holds its value. */
  fail(issues: readonly ConfigIssue[]): MillraceError;
}

/** "a.b=value": the value is YAML, so `--set train.steps=20`, `--set clean=false` and `--set 'inputs=[{path: a.jsonl}]'` work. */
export function parseSet(text: string): Override {
  const origin = `--set ${text}`;
  const equals = text.indexOf("=");
  if (equals <= 0) {
    throw invalid("config-override", `expected key=value for --set, got ${show(text)}`, {
      hint: "write --set train.steps=20",
    });
  }
  const path = text
    .slice(0, equals)
    .split(".")
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  if (path.includes("") || path.includes("__proto__"))
    throw invalid("config-override", `expected a dotted key for --set, got ${show(text)}`);
  try {
    return { path, value: parse(text.slice(equals + 1)) as unknown, origin };
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw invalid("config-override", `expected a YAML value in ${origin}: ${reason}`, { cause: error });
  }
}

/** The configuration that a file says, changed by `overrides` in their order. */
export function readYaml(text: string, file: string, overrides: readonly Override[]): ConfigSource {
  const { value, has, locate } = parseMapping(text, file, "the recipe");
  return merge(value, overrides, { has, locate });
}

/**
 * `base` with the stage `key` as a file says it, changed by `overrides`. The file holds the stage's own keys, or a recipe, of
 * which the rest is not looked at.
 */
export function readStageYaml(
  text: string,
  file: string,
  key: string,
  base: Record<string, unknown>,
  overrides: readonly Override[],
): ConfigSource {
  const { value, has, locate } = parseMapping(text, file, `the keys of ${key}`);
  const isRecipe = Object.hasOwn(value, key);
  /** The path in the file; undefined where the file has no say. */
  const inFile = (path: ConfigPath): ConfigPath | undefined => {
    if (path[0] !== key) return undefined;
    return isRecipe ? path : path.slice(1);
  };
  return merge({ ...base, [key]: isRecipe ? value[key] : value }, overrides, {
    has: (path) => {
      const place = inFile(path);
      return place !== undefined && has(place);
    },
    locate: (path) => {
      const place = inFile(path);
      return place === undefined ? undefined : locate(place);
    },
  });
}

/** What a file says, and where. */
interface FileMapping {
  readonly value: Record<string, unknown>;
  has(path: ConfigPath): boolean;
  locate(path: ConfigPath): Where;
}

function parseMapping(text: string, file: string, what: string): FileMapping {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const syntax = document.errors[0];
  if (syntax !== undefined) {
    // The parser may point at the end of what it accepted: what it refuses begins at the next thing that is written.
    const offset = syntax.pos[0] + text.slice(syntax.pos[0]).search(/\S|$/);
    const { line, col } = lines.linePos(offset);
    const sentence = syntax.message.split("\n")[0]!.replace(/ at line \d+, column \d+:?$/, "");
    throw invalid("config-syntax", `expected valid YAML: ${sentence}`, { where: { file, line, column: col } });
  }
  const value: unknown = document.toJS();
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid("config-recipe", `expected a mapping of keys to values for ${what}, got ${show(value)}`, {
      where: { file, line: 1 },
    });
  }
  return {
    value: value as Record<string, unknown>,
    has: (path) => offsetOf(document, path) !== undefined,
    locate: (path) => locate(document, lines, file, path),
  };
}

export function writeYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0 });
}

/** A configuration without a file: all of it comes from the command line. */
export function fromOverrides(base: Record<string, unknown>, overrides: readonly Override[]): ConfigSource {
  return merge(base, overrides, { has: () => false, locate: () => undefined });
}

function merge(
  base: Record<string, unknown>,
  overrides: readonly Override[],
  file: { has(path: ConfigPath): boolean; locate(path: ConfigPath): Where | undefined },
): ConfigSource {
  const value = structuredClone(base);
  for (const override of overrides) assign(value, override);
  return {
    value,
    fail(issues) {
      const first = issues[0]!;
      const override =
        overrides.findLast(({ path }) => isPrefix(path, first.path)) ??
        // A key that only exists because an override reaches below it.
        (file.has(first.path) ? undefined : overrides.findLast(({ path }) => isAbout(first, path)));
      const rest = issues.length === 1 ? "" : ` (and ${issues.length - 1} more)`;
      const message = `${override === undefined ? "" : `${override.origin}: `}${first.message}${rest}`;
      return invalid("config-value", message, {
        where: override === undefined ? file.locate(namedPath(first, (path) => file.has(path))) : undefined,
        hint: first.hint,
      });
    },
  };
}

function assign(root: Record<string, unknown>, { path, value, origin }: Override): void {
  let current: Record<string | number, unknown> = root;
  path.slice(0, -1).forEach((part, depth) => {
    checkKey(current, path, depth, origin);
    if (!Object.hasOwn(current, part) || current[part] === null || current[part] === undefined)
      current[part] = typeof path[depth + 1] === "number" ? [] : {};
    const next = current[part];
    if (typeof next !== "object" || next === null) {
      throw invalid(
        "config-override",
        `${origin}: expected a mapping at ${path.slice(0, depth + 1).join(".")}, got ${show(next)}`,
      );
    }
    current = next as Record<string | number, unknown>;
  });
  checkKey(current, path, path.length - 1, origin);
  current[path.at(-1)!] = value;
}

/** A list takes the numbers of its items and that of one more: any other key would be lost without a word. */
function checkKey(parent: object, path: ConfigPath, depth: number, origin: string): void {
  const key = path[depth]!;
  if (!Array.isArray(parent) || (typeof key === "number" && key <= parent.length)) return;
  throw invalid(
    "config-override",
    `${origin}: expected a number from 0 to ${parent.length} as the key in ${path.slice(0, depth).join(".")}, got ${show(key)}`,
  );
}

function isPrefix(prefix: ConfigPath, path: ConfigPath): boolean {
  return prefix.length <= path.length && prefix.every((part, i) => part === path[i]);
}

/** Of an issue about keys below its path, the first one that its message names and that is written down. */
function namedPath({ path, message, below }: ConfigIssue, has: (path: ConfigPath) => boolean): ConfigPath {
  if (below !== true) return path;
  const named = message.split(/[^\w.]+/).map((word) => [...path, ...word.split(".")]);
  return named.find((place) => has(place)) ?? path;
}

/** Whether an override of what lies below the issue's path may be what it is about. */
function isAbout({ path, message, below }: ConfigIssue, override: ConfigPath): boolean {
  if (!isPrefix(path, override)) return false;
  const key = override.slice(path.length).join(".");
  return below !== true || message.split(/[^\w.]+/).includes(key);
}

/** The position of the key at `path`, or of its nearest ancestor that is written down. */
function locate(document: Document.Parsed, lines: LineCounter, file: string, path: ConfigPath): Where {
  for (let length = path.length; length > 0; length--) {
    const offset = offsetOf(document, path.slice(0, length));
    if (offset !== undefined) {
      const { line, col } = lines.linePos(offset);
      return { file, line, column: col };
    }
  }
  return { file, line: 1 };
}

function offsetOf(document: Document.Parsed, path: ConfigPath): number | undefined {
  if (path.length === 0) return 0;
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const name = path.at(-1)!;
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(name));
    return pair !== undefined && isNode(pair.key) ? pair.key.range?.[0] : undefined;
  }
  const node = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}
