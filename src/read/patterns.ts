// Patterns of paths: `*`, `?`, `[abc]`, `[!abc]`, `{a,b}` within a name, and double stars for any number of folders.
import { invalid } from "../base/errors.js";
import { escapeRegExp } from "../base/regexp.js";

const PATTERN_CHARACTERS = /[*?{[]/;

export const ANY_FOLDERS = "**";

export function isPattern(text: string): boolean {
  return PATTERN_CHARACTERS.test(text);
}

/** Of a name, whole. */
export function segmentExpression(segment: string): RegExp {
  return compiled(segmentSource(segment), segment);
}

/** Of names joined by slashes. Names that begin with a dot match only where the pattern writes the dot. */
export function pathExpression(segments: readonly string[]): RegExp {
  const NAME = "(?!\\.)[^/]+";
  const parts = segments.map((segment, i) => {
    const isLast = i === segments.length - 1;
    if (segment === ANY_FOLDERS) return isLast ? `(?:${NAME}/)*${NAME}` : `(?:${NAME}/)*`;
    const visible = segment.startsWith(".") ? "" : "(?!\\.)";
    return `${visible}${segmentSource(segment)}${isLast ? "" : "/"}`;
  });
  return compiled(parts.join(""), segments.join("/"));
}

function compiled(source: string, pattern: string): RegExp {
  try {
    return new RegExp(`^${source}$`, "su");
  } catch {
    throw invalid("config-input", `expected ranges from low to high in the brackets of the pattern, got ${pattern}`);
  }
}

function segmentSource(segment: string): string {
  let depth = 0;
  const source = segment.replace(/\[[^\]]+\]|[\s\S]/g, (token) => {
    if (token.length > 1) return `(?!/)${token.replace(/^\[!/, "[^").replace(/\\/g, "\\\\")}`;
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    if (token === "{") {
      depth += 1;
      return "(?:";
    }
    if (token === "}" && depth > 0) {
      depth -= 1;
      return ")";
    }
    if (token === "," && depth > 0) return "|";
    return escapeRegExp(token);
  });
  if (depth > 0) throw invalid("config-input", `expected a closing brace in the pattern ${segment}, got none`);
  return source;
}
