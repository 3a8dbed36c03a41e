// Takes the two lists of addresses to leave out from a copy of the paper's repository, as files for clean's `blockedUrls`:
//   node datasets/openwebtext/url-lists.mjs MEGATRON/tools/openwebtext/blacklist_urls.py corpora
// writes corpora/openwebtext-domains.txt and corpora/openwebtext-extensions.txt.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * The string literals of a Python list that is assigned to `name`; neighbours without a comma are one string, as Python has
 * it. Of two neighbours on two lines that is a slip ('.7z' '.ai' in version 1.0), so both are taken.
 */
export function literalsOf(source, name) {
  const body = new RegExp(`^${name}\\s*=\\s*(?:set\\()?[([]([^)\\]]*)[)\\]]`, "m").exec(source)?.[1];
  if (body === undefined) throw new Error(`expected a list named ${name} in the file, found none`);
  return [...body.matchAll(/'([^'\n]+)'|"([^"\n]+)"/g)].map((match) => match[1] ?? match[2]);
}

async function main([file, folder]) {
  if (file === undefined || folder === undefined) throw new Error("expected the file blacklist_urls.py and a folder");
  const source = await readFile(file, "utf8");
  const lists = { domains: "domain_blacklist", extensions: "extentions_blacklist" };
  for (const [name, variable] of Object.entries(lists)) {
    const entries = literalsOf(source, variable);
    const path = join(folder, `openwebtext-${name}.txt`);
    await writeFile(path, `${entries.join("\n")}\n`);
    console.log(`${entries.length} ${name} in ${path}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main(process.argv.slice(2));
