// Drops documents by the address they come from, by the tests of the paper's repository (tools/openwebtext/blacklist_urls.py)
// in its order: domain, ending of the path, 8 characters or fewer, malformed; then whole addresses that the user lists. The
// repository's lists are the user's to obtain (datasets/openwebtext). A document without an address stays.
import { parse } from "tldts";
import type { RuleConfig } from "../filter.js";
import { loadList, requireList } from "./lists.js";

export const BLOCKED_URLS_VERSION = 2;

export interface BlockedUrlsConfig extends RuleConfig {
  /** Where a record keeps its address. */
  readonly field: string;
  /** Files of entries: "youtube" is that name below any public suffix, "example.com" that host and those below it. */
  readonly domains?: string | undefined;
  /** Endings of paths, with their dot. */
  readonly extensions?: string | undefined;
  /** Whole addresses. */
  readonly urls?: string | undefined;
  /** Drop what is no absolute http address. */
  readonly malformed: boolean;
}

const LISTS = ["domains", "extensions", "urls"] as const;
const SHORTEST = 9;
const ADDRESS =
  /^https?:\/\/(?:(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,}\.?|\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?(?:\/?|[/?#]\S+)$/i;

export function blockedUrlsFiles(config: BlockedUrlsConfig): string[] {
  return LISTS.flatMap((list) => config[list] ?? []);
}

export function checkBlockedUrls(config: BlockedUrlsConfig): void {
  for (const list of LISTS) if (config[list] !== undefined) requireList(config[list], `blockedUrls.${list}`);
}

function lowerCase(entry: string): string {
  return entry.toLowerCase();
}

function listedDomain(domains: ReadonlySet<string>, url: string): string | undefined {
  const { hostname, domainWithoutSuffix } = parse(url, { allowPrivateDomains: false });
  if (domainWithoutSuffix && domains.has(domainWithoutSuffix)) return domainWithoutSuffix;
  // A host of one label, such as localhost, is itself; of others the last label alone is no host.
  if (hostname && domains.has(hostname)) return hostname;
  for (let host = hostname ?? ""; host.includes("."); host = host.slice(host.indexOf(".") + 1)) {
    if (domains.has(host)) return host;
  }
  return undefined;
}

function listedExtension(extensions: ReadonlySet<string>, url: string): string | undefined {
  const path = url.split("?", 1)[0]!.toLowerCase();
  const name = path.slice(path.lastIndexOf("/") + 1);
  // ".tar.gz" before ".gz": from the first dot on.
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    if (extensions.has(name.slice(dot))) return name.slice(dot);
  }
  return undefined;
}

/** What is wrong with an address, or nothing. */
export function judgeUrls(config: BlockedUrlsConfig): (url: string) => string | undefined {
  const load = (list: (typeof LISTS)[number], keyOf: (line: string) => string): ReadonlySet<string> =>
    config[list] === undefined ? new Set() : loadList(config[list], `blockedUrls.${list}`, keyOf);
  const domains = load("domains", lowerCase);
  const extensions = load("extensions", lowerCase);
  const urls = load("urls", (line) => line);
  return (address) => {
    const url = address.trim();
    const domain = domains.size > 0 ? listedDomain(domains, url) : undefined;
    if (domain !== undefined) return `the domain ${domain} is listed`;
    const extension = extensions.size > 0 ? listedExtension(extensions, url) : undefined;
    if (extension !== undefined) return `the ending ${extension} is listed`;
    if (config.malformed && url.length < SHORTEST) return `an address of fewer than ${SHORTEST} characters`;
    if (config.malformed && !ADDRESS.test(url)) return "a malformed address";
    return urls.has(url) ? "the address is listed" : undefined;
  };
}
