// Settings of Metaspace, which is a pre-tokenizer and a decoder.
import type { JsonNode } from "./json-node.js";

const SCHEMES = ["always", "first", "never"] as const;

export interface MetaspaceOptions {
  readonly replacement: string;
  /** Which pieces get `replacement` before them. */
  readonly prepend: (typeof SCHEMES)[number];
  readonly split: boolean;
}

/** Older files say add_prefix_space and str_rep. */
export function metaspaceOptions(node: JsonNode): MetaspaceOptions {
  node.only("type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep");
  const [scheme, split, prefix] = [node.field("prepend_scheme"), node.field("split"), node.field("add_prefix_space")];
  const prepend = scheme.isAbsent ? "always" : scheme.oneOf(SCHEMES);
  if (!prefix.isAbsent && !prefix.boolean() && prepend !== "never") {
    throw prefix.refusal(`true beside prepend_scheme "${prepend}"`);
  }
  return {
    replacement: node.field("replacement").character(),
    prepend,
    split: split.isAbsent || split.boolean(),
  };
}
