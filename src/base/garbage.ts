// Collecting garbage by hand, in threads whose memory is bounded. V8 hardly counts the memory of typed arrays: it lets about
// 64 MB of them die before it looks (Node.js 20), which is half of what a worker under the smallest bound may have.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** So much more than what was left the last time is worth the few milliseconds of looking. */
const WORTHWHILE_BYTES = 2 ** 23;

let collect: (() => void) | undefined;
let leftBytes = 0;

/** From now on the functions below work in this thread; in others they do nothing. */
export function boundGarbage(): void {
  if (collect !== undefined) return;
  setFlagsFromString("--expose-gc");
  collect = runInNewContext("gc") as () => void;
}

/** Between tasks: what one had is not to be added to what the next one takes. */
export function collectGarbage(): void {
  if (collect === undefined) return;
  collect();
  leftBytes = process.memoryUsage().arrayBuffers;
}

/** Within a task, at places that leave megabytes of arrays behind. */
export function collectMuchGarbage(): void {
  if (collect !== undefined && process.memoryUsage().arrayBuffers > leftBytes + WORTHWHILE_BYTES) collectGarbage();
}
