// One job in a process of its own: how it may end.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { type ChildEnd, startChild } from "#src/base/child.js";
import type { MillraceError } from "#src/base/errors.js";

const root = mkdtempSync(join(tmpdir(), "millrace-child-"));
afterAll(() => rmSync(root, { recursive: true }));
const library = new URL("../../../dist/base/", import.meta.url);

let serial = 0;

/** A program whose job is `body`, with `job` and `context` in scope; without a job, the whole program. */
function program(body: string, served = true): URL {
  const path = join(root, `child-${serial++}.mjs`);
  const imports = `import { serveChild } from "${library}child.js";\nimport { invalid } from "${library}errors.js";\n`;
  writeFileSync(path, served ? `${imports}serveChild(async (job, context) => { ${body} });\n` : body);
  return pathToFileURL(path);
}

async function endOf(module: URL, job: unknown = {}): Promise<{ end: ChildEnd<unknown>; messages: unknown[] }> {
  const messages: unknown[] = [];
  const child = startChild(module, job, (message) => messages.push(message));
  return { end: await child.ended, messages };
}

describe("a child", () => {
  test("answers with its messages, in order, and its result, numbers that JSON lacks included", async () => {
    const module = program("for (let i = 0; i < 3; i++) context.post(i * job.factor); return { loss: NaN };");
    const { end, messages } = await endOf(module, { factor: 2 });
    expect(messages).toEqual([0, 2, 4]);
    expect(end).toEqual({ kind: "result", result: { loss: Number.NaN } });
  });

  test("answers with its error, code and hint kept", async () => {
    const { end } = await endOf(program('throw invalid("some-code", "expected more", { hint: "do this" });'));
    expect(end.kind).toBe("error");
    expect((end as unknown as { error: MillraceError }).error).toMatchObject({
      code: "some-code",
      message: "expected more",
      hint: "do this",
    });
  });

  test("that says nothing is lost, with its exit code and its last words", async () => {
    const { end } = await endOf(program('console.error("out of luck"); process.exit(7);', false));
    expect(end).toEqual({ kind: "lost", code: 7, signal: null, stderr: "out of luck" });
  });

  test("that is killed is lost, with the signal", async () => {
    const child = startChild(program("await new Promise(() => setInterval(() => {}, 1000));"), {}, () => undefined);
    child.kill();
    expect(await child.ended).toMatchObject({ kind: "lost", signal: "SIGKILL" });
    // What comes too late does no harm.
    child.stop();
    child.kill();
  });

  test("finishes well when it is asked to stop, by its parent or by a signal", async () => {
    const module = program(
      "await new Promise((resolve) => { context.signal.addEventListener('abort', resolve); context.post('ready'); setInterval(() => {}, 1000); }); return 'stopped';",
    );
    for (const how of ["stop", "SIGTERM", "SIGINT"] as const) {
      let tell: () => void = () => undefined;
      const child = startChild(module, {}, () => tell());
      tell = () => (how === "stop" ? child.stop() : process.kill(child.pid!, how));
      expect(await child.ended).toEqual({ kind: "result", result: "stopped" });
    }
  });
});
