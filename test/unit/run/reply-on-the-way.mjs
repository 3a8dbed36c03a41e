// A run that fails while the reply of another task is on its way: it comes for a task that the pool has forgotten. A program
// of its own, since what is tested is that the process does not end by it; its workers load it for the tasks.
import { isMainThread } from "node:worker_threads";
import { LocalExecutor } from "#src/run/executors/local.js";

const REPLY_MS = 200;

function sleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

export const registry = {
  url: import.meta.url,
  loadReader: async () => ({}),
  prepare: { key: "datasets", name: "prepare" },
  entries: [
    {
      key: "twins",
      name: "twins",
      loadTasks: async () => ({
        "twins/count": async ({ counter }) => {
          Atomics.add(counter, 0, 1);
          Atomics.notify(counter, 0);
          return { outputs: [], counts: {} };
        },
      }),
    },
  ],
};

if (isMainThread) {
  const counter = new Int32Array(new SharedArrayBuffer(4));
  const executor = new LocalExecutor(1, import.meta.url);
  try {
    await executor.runPhase({
      folders: { stage: "twins", dir: "/", workDir: "/" },
      tasks: (async function* () {
        for (const id of ["a", "b"]) yield { id, run: "twins/count", args: { counter } };
      })(),
      onResult: async ({ id }) => {
        // The worker has gone on with the other task: this thread sleeps until that has replied too.
        Atomics.wait(counter, 0, 1, REPLY_MS * 50);
        sleep(REPLY_MS);
        throw Object.assign(new Error(`no room for the result of ${id}`), { code: "toy-bad" });
      },
      signal: new AbortController().signal,
    });
  } catch (error) {
    process.stdout.write(`${error.code}: ${error.message}\n`);
  }
  await executor.close();
}
