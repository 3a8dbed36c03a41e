// Which object was found under an address: what identifies a remote input, as a digest does a local one. Nobody downloads a
// corpus to learn whether it is the same.
//
//   etag:<the store's ETag>:<size in bytes>
//   modified:<time of the last change>:<size in bytes>      where a store gives no ETag
import { invalid } from "../errors.js";

export interface Version {
  readonly sizeBytes: number;
  /** As the store gave it, quotes included. */
  readonly etag: string | undefined;
  readonly text: string;
}

export function versionOf(
  found: { readonly sizeBytes: number; readonly etag: string | null; readonly lastModified: string | null },
  file: string,
): Version {
  const { sizeBytes, etag, lastModified } = found;
  if (etag !== null) return { sizeBytes, etag, text: `etag:${etag}:${sizeBytes}` };
  if (lastModified !== null) return { sizeBytes, etag: undefined, text: `modified:${lastModified}:${sizeBytes}` };
  throw invalid("store-refused", `expected an ETag or a time of change of ${file}, got neither`, {
    where: { file },
    hint: "without one nobody can tell whether it has changed: copy the file to this machine",
  });
}

/** Undefined when the text is no version. */
export function parseVersion(text: string): Version | undefined {
  const [, kind, name, size] = /^(etag|modified):(.*):(\d+)$/s.exec(text) ?? [];
  if (kind === undefined) return undefined;
  return { sizeBytes: Number(size), etag: kind === "etag" ? name : undefined, text };
}
