// One bucket, container or host: what lies in it and how requests to it are made. One of each per thread.
import { invalid } from "../errors.js";
import { type ListedEntry, type Lister, type Metadata, type Operator, openOperator } from "./driver.js";
import { tryAgain } from "./retry.js";
import { type Service, serviceOf } from "./services.js";
import { changed, isNotFound, translate } from "./store-error.js";
import { formatUri, type RemoteUri, requireReachable } from "./uri.js";
import { type Version, versionOf } from "./version.js";

const DEFAULT_ATTEMPTS = 6;
const DEFAULT_TIMEOUT_S = 15;

export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
}

function numberFrom(name: string, fallback: number, least: number): number {
  const text = process.env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (Number.isFinite(value) && value >= least) return value;
  throw invalid("config-store", `expected a number of at least ${least} for ${name}, got "${text}"`);
}

const stores = new Map<string, RemoteStore>();

/** The store of an address. */
export function storeOf(uri: RemoteUri): RemoteStore {
  const key = `${uri.scheme}://${uri.store}`;
  let store = stores.get(key);
  if (store === undefined) {
    store = new RemoteStore(uri);
    stores.set(key, store);
  }
  return store;
}

export class RemoteStore {
  readonly service: Service;
  readonly #uri: RemoteUri;
  readonly #operator: Operator;
  readonly #attempts: number;

  constructor(uri: RemoteUri) {
    this.#uri = uri;
    this.service = serviceOf(uri);
    this.#attempts = Math.floor(numberFrom("MILLRACE_STORE_ATTEMPTS", DEFAULT_ATTEMPTS, 1));
    const timeoutMs = numberFrom("MILLRACE_STORE_TIMEOUT", DEFAULT_TIMEOUT_S, 0.01) * 1000;
    const said = Object.entries(this.service.options(uri, process.env));
    const options = Object.fromEntries(
      said.filter((option): option is [string, string] => option[1] !== undefined && option[1] !== ""),
    );
    try {
      this.#operator = openOperator(formatUri(uri), this.service.name, options, timeoutMs);
    } catch (error) {
      throw translate(error, uri);
    }
  }

  /** Undefined where there is no object of that key: a prefix is none. */
  async find(key: string): Promise<Version | undefined> {
    const uri = { ...this.#uri, key };
    const path = this.#pathOf(uri);
    const metadata = await tryAgain(uri, this.#attempts, async (): Promise<Metadata | undefined> => {
      try {
        return await this.#operator.stat(path);
      } catch (error) {
        // HEAD has no body that could tell a missing bucket from a missing key: who lists below learns it.
        if (isNotFound(error)) return undefined;
        throw error;
      }
    });
    if (metadata === undefined || !metadata.isFile()) return undefined;
    const { etag, lastModified } = metadata;
    return versionOf({ sizeBytes: Number(metadata.contentLength ?? 0), etag, lastModified }, formatUri(uri));
  }

  /** All objects whose keys begin with `prefix`, a page at a time, in the store's order. */
  async *list(prefix: string): AsyncIterable<ListedObject> {
    const uri = { ...this.#uri, key: prefix };
    if (!this.service.lists) {
      throw invalid("config-input", `expected the address of one file, got ${formatUri(uri)}`, {
        hint: `${uri.scheme}:// has no list of files: name each`,
      });
    }
    const seen = new Set<string>();
    let lister: Lister | undefined;
    let last: string | undefined;
    const next = async (): Promise<ListedEntry | null> => {
      const after = this.service.listsAfter && last !== undefined ? { startAfter: last } : {};
      try {
        lister ??= await this.#operator.lister(prefix, { recursive: true, ...after });
        return await lister.next();
      } catch (error) {
        // Asked again, one that has failed says that there is no more.
        lister = undefined;
        throw error;
      }
    };
    for (;;) {
      const entry = await tryAgain(uri, this.#attempts, next);
      if (entry === null) return;
      const [key, metadata] = [entry.path(), entry.metadata()];
      last = key;
      // Some tools write an empty object named like a folder.
      if (!metadata.isFile() || seen.has(key)) continue;
      seen.add(key);
      yield { key, sizeBytes: Number(metadata.contentLength ?? 0) };
    }
  }

  /** Bytes [start, end), of no other version than this. `split`: how they are asked for; by default in one request. */
  async read(
    key: string,
    start: number,
    end: number,
    { etag }: Version,
    split: { readonly chunk?: number; readonly concurrent?: number } = {},
  ): Promise<Uint8Array> {
    const uri = { ...this.#uri, key };
    // A weak ETag never matches (RFC 9110, 13.1.1).
    const condition = this.service.conditional && etag?.startsWith('"') ? { ifMatch: etag } : {};
    const range = { offset: BigInt(start), size: BigInt(end - start), ...split };
    const path = this.#pathOf(uri);
    return tryAgain(uri, this.#attempts, async () => {
      try {
        return await this.#operator.read(path, { ...range, ...condition });
      } catch (error) {
        throw isNotFound(error) ? changed(formatUri(uri)) : error;
      }
    });
  }

  #pathOf(uri: RemoteUri): string {
    requireReachable(uri);
    return this.service.path(uri);
  }
}
