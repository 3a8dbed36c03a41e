import type { Registry } from "#src/run/registry.js";

export declare const registry: Registry;
