// The key of a stage's result: what it was made of. Equal keys mean equal bytes, so a key that has not changed means that
// there is nothing to do.
import { canonicalJson, digestJson } from "../base/digest.js";
import type { FileRef, Json } from "../records/stage.js";
import { show } from "./config-issue.js";
import { inputIdentity } from "./inputs.js";
import type { AnyStage } from "./registry.js";

export interface StageIdentity {
  readonly stage: string;
  readonly version: number;
  /** Without the keys that change how fast, not what. */
  readonly config: Json;
  readonly inputs: readonly { readonly name: string; readonly digest: string }[];
}

export function identityOf(
  stage: AnyStage,
  config: Readonly<Record<string, unknown>>,
  inputs: readonly FileRef[],
): StageIdentity {
  // Through JSON, so that what is compared and stored is exactly what is hashed.
  const plain = JSON.parse(canonicalJson(config)) as Json;
  return {
    stage: stage.name,
    version: stage.version,
    config: without(plain, stage.runtimeKeys ?? []),
    inputs: inputs.map(inputIdentity),
  };
}

function without(config: Json, keys: readonly string[]): Json {
  const kept = structuredClone(config) as Record<string, unknown>;
  for (const key of keys) remove(kept, key.split("."));
  return kept as Json;
}

/** Whether the two differ in nothing but the config's `keys`. */
export function differOnlyIn(before: StageIdentity, now: StageIdentity, keys: readonly string[]): boolean {
  const rest = (identity: StageIdentity): string =>
    canonicalJson({ ...identity, config: without(identity.config, keys) });
  return keys.length > 0 && rest(before) === rest(now);
}

export function keyOf(identity: StageIdentity): string {
  return digestJson(identity);
}

function remove(from: Record<string, unknown>, path: readonly string[]): void {
  const [head, ...rest] = path;
  if (rest.length === 0) delete from[head!];
  else if (typeof from[head!] === "object" && from[head!] !== null)
    remove(from[head!] as Record<string, unknown>, rest);
}

/** Why a result made of `before` is not one of `now`, as a person would say it: both are of one stage. */
export function explainChange(before: StageIdentity, now: StageIdentity): string {
  if (before.version !== now.version) return `the stage's version changed from ${before.version} to ${now.version}`;
  const changes = configChanges(before.config, now.config, "");
  if (changes.length > 0)
    return `${changes.slice(0, 3).join(", ")}${changes.length > 3 ? ` and ${changes.length - 3} more` : ""}`;
  if (before.inputs.length !== now.inputs.length) return `${before.inputs.length} inputs became ${now.inputs.length}`;
  const index = now.inputs.findIndex((input, i) => canonicalJson(input) !== canonicalJson(before.inputs[i]));
  return index === -1 ? "its key changed" : `the input ${now.inputs[index]!.name} changed`;
}

function configChanges(before: Json, now: Json, path: string): string[] {
  if (isMapping(before) && isMapping(now)) {
    return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((key) =>
      configChanges(before[key] ?? null, now[key] ?? null, path === "" ? key : `${path}.${key}`),
    );
  }
  return canonicalJson(before) === canonicalJson(now) ? [] : [`${path} changed from ${show(before)} to ${show(now)}`];
}

function isMapping(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
