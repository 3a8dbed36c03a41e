// Files below a folder by ending, sorted; Node 20 has no globSync of its own.
import { readdirSync } from "node:fs";
import { join } from "node:path";

export function globSync(folder: string, endings: readonly string[]): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
