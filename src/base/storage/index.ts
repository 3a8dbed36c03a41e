// Where input files lie: this machine, or an object store that a scheme names. docs/formats/corpus.md
import { LocalFile } from "./local-file.js";
import { RemoteFile } from "./remote-file.js";
import type { StoredFile } from "./stored-file.js";
import { isRemote } from "./uri.js";

export { localFault } from "./local-fault.js";
export { openLocalSync, readLocalSync } from "./local-file.js";
export { findRemote, type Identity, identityOf, listRemote, type RemoteObject } from "./remote-objects.js";
export { CHUNK_BYTES, type RangeReader, type StoredFile } from "./stored-file.js";
export { isRemote } from "./uri.js";

/**
 * The caller closes it. `version`: the digest that a FileRef of a remote file has; reading another object fails as
 * `input-changed`. Of a local file it is ignored.
 */
export function openStored(path: string, version?: string): Promise<StoredFile> {
  return isRemote(path) ? RemoteFile.open(path, version) : LocalFile.open(path);
}

/** A whole file as a stream, closed behind it. */
export async function* streamStored(path: string, version?: string): AsyncIterable<Uint8Array> {
  const file = await openStored(path, version);
  try {
    yield* file.stream();
  } finally {
    await file.close();
  }
}
