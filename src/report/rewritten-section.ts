// What cleaning rewrote: rules, counts, and the first documents of each with a command that tells more.
import { count } from "./figures.js";
import { html } from "./html.js";
import { millraceCommand, nameOf } from "./names.js";
import type { RewritingRule } from "./rewritten-data.js";
import type { Section } from "./section.js";
import { table } from "./table.js";

/** docs/formats/recipe.md in a few words. */
const MEANINGS: Readonly<Record<string, string>> = {
  unicodeRepair: "UTF-8 that was read as another encoding is letters again",
  storyNewlines: "line feeds inside sentences, and runs of spaces, are one space",
  c4Lines: "lines that are no sentences are gone",
};

/** `dir`: of the stage that did it. */
export function rewrittenSection(rules: readonly RewritingRule[], dir: string): Section | undefined {
  if (rules.length === 0) return undefined;
  const body = html`<p>Documents whose texts a rule of <code>clean</code> has changed. All of them, with file, byte offset, id and rules, are in <code>rewritten/</code> in the stage's folder.</p>
${table(
  "Documents rewritten by each rule",
  [
    { name: "rule", kind: "name" },
    { name: "documents", kind: "number" },
    { name: "what is other", kind: "wide" },
  ],
  rules.map(({ rule, documents }) => ({ cells: [html`<b>${rule}</b>`, count(documents), MEANINGS[rule]] })),
)}
<h3>The first of each</h3>
${table(
  "The first documents that each rule has rewritten",
  [
    { name: "rule", kind: "name" },
    { name: "offset", kind: "number" },
    { name: "document and file", kind: "wide" },
  ],
  rules.flatMap(({ rule, examples }) =>
    examples.map(({ id, file, offset }) => {
      const command = millraceCommand("explain", "--in", dir, "--", id);
      return {
        cells: [rule, count(offset), html`<div>${nameOf(id)}</div><div class="soft">${nameOf(file)}</div>${command}`],
      };
    }),
  ),
)}`;
  return { id: "rewritten", title: "What was rewritten", body };
}
