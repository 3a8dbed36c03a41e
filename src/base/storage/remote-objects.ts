// Remote files by their addresses: whether there is one, what is below a prefix.
import { digestFile } from "../digest.js";
import { invalid } from "../errors.js";
import { localFault } from "./local-fault.js";
import { storeOf } from "./remote-store.js";
import { formatUri, isRemote, parseUri } from "./uri.js";

export interface RemoteObject {
  readonly uri: string;
  readonly sizeBytes: number;
}

export interface Identity {
  readonly sizeBytes: number;
  /** Of a remote object its version: etag or time of change, and size. Nothing is downloaded. */
  readonly digest: string;
}

/** Undefined where there is no such object. */
export async function findRemote(path: string): Promise<Identity | undefined> {
  const uri = parseUri(path);
  const found = uri.key === "" ? undefined : await storeOf(uri).find(uri.key);
  return found === undefined ? undefined : { sizeBytes: found.sizeBytes, digest: found.text };
}

/** What tells a file from any other that may lie at its place, there or here. */
export async function identityOf(path: string): Promise<Identity> {
  if (!isRemote(path)) {
    return digestFile(path).catch((error: unknown) => {
      throw localFault(path, error);
    });
  }
  const found = await findRemote(path);
  if (found !== undefined) return found;
  throw invalid("config-input", `expected an object at ${path}, found none`, { where: { file: path } });
}

/** All objects whose address begins with `prefix`; a missing bucket is an error. */
export async function* listRemote(prefix: string): AsyncIterable<RemoteObject> {
  const uri = parseUri(prefix);
  for await (const { key, sizeBytes } of storeOf(uri).list(uri.key))
    yield { uri: formatUri({ ...uri, key }), sizeBytes };
}
