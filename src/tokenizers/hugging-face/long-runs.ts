// A regular expression that matches the same with little to go back through: V8 keeps 64 MiB for that, which one match of a
// few million characters exceeds. A loop that ends a whole alternative never gives anything back, so it may take its
// characters in blocks for good: (?=(X{1,65536}))\1 in a loop.

const BLOCK = 65_536;

/** All white space but the last before something else: the same by looking at each space's neighbour. */
const SPACES_BEFORE = "\\p{space}+(?!\\P{space})";
const SPACE_BEFORE_SPACE = "(?:\\p{space}(?=\\p{space}|(?![\\0-\\u{10ffff}])))";

/** `source`: of flag v or u, without names of its own that begin with "block". */
export function withoutGoingBack(source: string): string {
  const blocks = alternativesOf(source).map((alternative, i) => {
    if (alternative.endsWith(SPACES_BEFORE)) {
      return alternative.slice(0, -SPACES_BEFORE.length) + inBlocks(SPACE_BEFORE_SPACE, "+", i);
    }
    const loop = lastLoop(alternative);
    return loop === undefined ? alternative : alternative.slice(0, loop.begin) + inBlocks(loop.of, loop.sign, i);
  });
  return blocks.join("|");
}

function inBlocks(of: string, sign: string, number: number): string {
  return `(?:(?=(?<block${number}>${of}{1,${BLOCK}}))\\k<block${number}>)${sign}`;
}

/** Tokens that stand for a character: escapes with their braces, and any other character. */
const TOKEN = /\\(?:[pPu]\{[^}]*\}|.)|./gsu;

/** Split at each | outside of groups and classes. */
function alternativesOf(source: string): string[] {
  const alternatives = [""];
  let depth = 0;
  for (const [token] of source.matchAll(TOKEN)) {
    if (token === "(" || token === "[") depth += 1;
    if (token === ")" || token === "]") depth -= 1;
    if (token === "|" && depth === 0) alternatives.push("");
    else alternatives[alternatives.length - 1] += token;
  }
  return alternatives;
}

/** The + or * at the end, of a class or an escape. */
function lastLoop(alternative: string): { begin: number; of: string; sign: string } | undefined {
  const tokens = [...alternative.matchAll(TOKEN)].map((found) => ({ token: found[0], begin: found.index }));
  const last = tokens.at(-1);
  if (last === undefined || (last.token !== "+" && last.token !== "*")) return undefined;
  let depth = 0;
  for (let i = tokens.length - 2; i >= 0; i -= 1) {
    const { token, begin } = tokens[i]!;
    if (token === "]") depth += 1;
    if (token === "[") depth -= 1;
    const isOne = token.startsWith("\\") && /^\\(?:[pP]\{|[sSdDwW])/.test(token);
    if (depth > 0) continue;
    if (token !== "[" && !isOne) return undefined;
    return { begin, of: alternative.slice(begin, last.begin), sign: last.token };
  }
  return undefined;
}
