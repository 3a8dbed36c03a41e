// Addresses of remote files, `scheme://store/key`. A key is what the store calls the object: nothing in it is unescaped. Of
// http and https the key is the path, as it stands in the address.
import { invalid } from "../errors.js";

/** The driver and addresses of the web make other keys of these. */
const UNREACHABLE = /^\/|\/\/|(?:^|\/)\.{1,2}(?:\/|$)|\s$/;
const SCHEME = /^([a-z][a-z0-9+.-]+):\/\//i;

export interface RemoteUri {
  readonly scheme: string;
  /** Bucket, container or host. */
  readonly store: string;
  /** Without a leading slash; empty for the store itself. */
  readonly key: string;
}

/** Whether a path begins with a scheme, such as s3://. */
export function isRemote(path: string): boolean {
  return SCHEME.test(path);
}

/** Refuses what would put a secret into journals and reports, and what names no store. */
export function parseUri(uri: string): RemoteUri {
  const scheme = SCHEME.exec(uri)?.[1];
  const [store = "", ...rest] = uri.slice((scheme?.length ?? 0) + "://".length).split("/");
  if (scheme === undefined || store === "")
    throw invalid("config-input", `expected an address such as s3://bucket/key, got "${uri}"`);
  if (store.includes("@")) {
    throw invalid("config-input", `expected an address without a name and password, got one for ${scheme}://`, {
      hint: "give credentials through the environment: docs/formats/corpus.md",
    });
  }
  const isWeb = /^https?$/i.test(scheme);
  if (isWeb && /[?#]/.test(uri)) {
    throw invalid(
      "config-input",
      `expected an address without ? and #, got one below ${scheme}://${store.replace(/[?#].*/s, "")}`,
      {
        hint: "signed addresses are secrets that would stand in journals: use the scheme of the store itself, such as s3://",
      },
    );
  }
  return { scheme: scheme.toLowerCase(), store, key: rest.join("/") };
}

/** Refuses keys of objects that would not arrive as they are. */
export function requireReachable(uri: RemoteUri): void {
  if (!UNREACHABLE.test(uri.key)) return;
  const key = "a key without //, . and .. between slashes and white space at its end";
  throw invalid("config-input", `expected ${key}, got ${formatUri(uri)}`, {
    hint: "such keys are read as others on the way to the store: copy the object to another key",
  });
}

export function formatUri({ scheme, store, key }: RemoteUri): string {
  return `${scheme}://${store}/${key}`;
}
