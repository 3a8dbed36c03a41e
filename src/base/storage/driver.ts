// The one door to opendal, which speaks to the stores. It is an optional dependency, loaded when the first remote file is
// named: it has a native part, which not every platform has. Its types are written down here so that the build needs none.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { invalid } from "../errors.js";

export interface Metadata {
  readonly contentLength: bigint | null;
  readonly etag: string | null;
  /** RFC 3339. */
  readonly lastModified: string | null;
  isFile(): boolean;
}

export interface ReadOptions {
  readonly offset: bigint;
  readonly size: bigint;
  readonly ifMatch?: string;
  /** In requests for so many bytes each, `concurrent` at a time. */
  readonly chunk?: number;
  readonly concurrent?: number;
}

export interface Operator {
  stat(path: string): Promise<Metadata>;
  /** Bytes [offset, offset + size). */
  read(path: string, options: ReadOptions): Promise<Buffer>;
  lister(path: string, options: { readonly recursive: boolean; readonly startAfter?: string }): Promise<Lister>;
}

/**
 * Whether `stat` and `read` block this thread: in workers. A worker that is ended while a promise of the driver's is pending
 * takes the process with it (0.49.2, SIGABRT); the end of one that is inside of a call waits for that call.
 */
export const BLOCKS = !isMainThread;

export interface Lister {
  /** The next entry, null behind the last and behind an error; asks for another page where one ends. */
  next(): Promise<ListedEntry | null>;
}

export interface ListedEntry {
  path(): string;
  metadata(): Metadata;
}

interface DriverOperator extends Operator {
  statSync(path: string): Metadata;
  readSync(path: string, options: ReadOptions): Buffer;
  layer(layer: unknown): DriverOperator;
}

interface Driver {
  Operator: new (service: string, options: Readonly<Record<string, string>>) => DriverOperator;
  TimeoutLayer: new () => { timeout: number; ioTimeout: number; build(): unknown };
}

let driver: Driver | undefined;

function loadDriver(uri: string): Driver {
  const require = createRequire(import.meta.url);
  try {
    const main = require.resolve("opendal");
    // 0.49.2 does not export its TimeoutLayer; to be imported like the rest when a version does.
    const { TimeoutLayer } = require(join(dirname(main), "generated.js")) as Driver;
    return { Operator: (require(main) as Driver).Operator, TimeoutLayer };
  } catch (error) {
    throw invalid("store-driver-missing", `expected the package opendal, which reads ${uri}, found none that loads`, {
      hint: "run `npm install opendal@0.49.2` in the folder of millrace, or copy the files to this machine",
      cause: error,
    });
  }
}

/** Options are the driver's own. A request that is silent for `timeoutMs` fails; nothing is tried twice. */
export function openOperator(
  uri: string,
  service: string,
  options: Readonly<Record<string, string>>,
  timeoutMs: number,
): Operator {
  driver ??= loadDriver(uri);
  const timeout = new driver.TimeoutLayer();
  timeout.timeout = timeoutMs;
  timeout.ioTimeout = timeoutMs;
  const operator = new driver.Operator(service, options).layer(timeout.build());
  if (!BLOCKS) return operator;
  return {
    stat: async (path) => operator.statSync(path),
    read: async (path, range) => operator.readSync(path, range),
    lister: (path, list) => operator.lister(path, list),
  };
}
