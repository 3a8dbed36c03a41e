// A bound on expressions that take exponential time on some texts, such as (a+)+$: a search that does not come to an end is
// broken off. Costs a fifth of a millisecond, so it goes around whole blocks.
import { readFileSync } from "node:fs";
import { createContext, Script } from "node:vm";

/** What `task` does inside does not see the context: it only carries the clock. */
let clock: { readonly script: Script; readonly context: { task: (() => void) | undefined } } | undefined;

const TICKS_PER_SECOND = 100;
/** Part of the limit that is as good as all of it: the watch and the clock are of milliseconds, the clock's of ten. */
const AS_GOOD_AS_ALL = 0.9;
/** Of /proc/thread-self/stat behind the name, which may hold spaces: utime, then stime. */
const USER_TIME_FIELD = 11;

/** Processor time of this thread in milliseconds, where the system tells it; else of the process. */
function processorMs(): number {
  try {
    const stat = readFileSync("/proc/thread-self/stat", "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[USER_TIME_FIELD]) + Number(fields[USER_TIME_FIELD + 1]);
    return (ticks * 1000) / TICKS_PER_SECOND;
  } catch {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }
}

/**
 * Runs the task; false: it was broken off after so many milliseconds of processor time. Where it got less because the machine
 * is busy or the process stood still, it is begun anew with more time, so it must begin from nothing each time. What it throws
 * is thrown.
 */
export function endsWithin(limitMs: number, task: () => void, processorTime: () => number = processorMs): boolean {
  for (let timeout = limitMs; ; timeout *= 2) {
    const before = processorTime();
    if (ends(timeout, task)) return true;
    if (processorTime() - before >= AS_GOOD_AS_ALL * limitMs) return false;
  }
}

/** `timeout`: of the wall clock, which is what Node can break off by. */
function ends(timeout: number, task: () => void): boolean {
  clock ??= { script: new Script("task()"), context: createContext({ task: undefined }) as { task: undefined } };
  const { script, context } = clock;
  context.task = task;
  try {
    script.runInContext(context, { timeout });
    return true;
  } catch (error) {
    if (Object(error).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return false;
    throw error;
  } finally {
    context.task = undefined;
  }
}
