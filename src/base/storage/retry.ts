// Trying again what may work at another time, a bounded number of times.
import { setTimeout as delay } from "node:timers/promises";
import { invalid } from "../errors.js";
import { TransientFault, translate } from "./store-error.js";
import { formatUri, type RemoteUri } from "./uri.js";

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5000;

/** Between attempt `attempt` (from 1) and the next: doubled each time, and up to half of it by chance, so that many do not return at once. */
function delayBehind(attempt: number): number {
  const most = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
  return most / 2 + (Math.random() * most) / 2;
}

/** Calls `request` until it succeeds, fails for good, or has failed `attempts` times. */
export async function tryAgain<T>(uri: RemoteUri, attempts: number, request: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await request();
    } catch (error) {
      const fault = translate(error, uri);
      if (!(fault instanceof TransientFault)) throw fault;
      if (attempt >= attempts) {
        const file = formatUri(uri);
        throw invalid("store-failed", `expected an answer for ${file}, got ${fault.message} ${attempts} times`, {
          where: { file },
          hint: "the same command goes on with what is left; MILLRACE_STORE_ATTEMPTS raises how often is tried",
        });
      }
      await delay(delayBehind(attempt));
    }
  }
}
