// The titles of the articles in WikiText-103's test set, one a line, for clean's `listedTitles`:
//   node datasets/wikitext103/titles.mjs wikitext-103-raw/wiki.test.raw > corpora/wikitext103-test-titles.txt
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** An article begins with " = Title = " between blank lines; sections have more signs on either side. */
export function titlesOf(text) {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return lines.flatMap((line, i) => {
    const title = /^= ([^=].*?) =$/.exec(line)?.[1];
    const stands = (lines[i - 1] ?? "") === "" && (lines[i + 1] ?? "") === "";
    return title !== undefined && stands && !title.endsWith(" =") ? [title] : [];
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const titles = titlesOf(readFileSync(process.argv[2] ?? 0, "utf8"));
  if (titles.some((title) => title.includes("<unk>"))) {
    throw new Error("expected wiki.test.raw, got a file with <unk> for rare words: its titles match no article");
  }
  console.log(titles.join("\n"));
}
