import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const script = fileURLToPath(new URL("reply-on-the-way.mjs", import.meta.url));

test("a run that fails while another reply is on its way ends with its own error, not the process by the reply", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: "utf8" });
  expect({ status, stdout, stderr }).toEqual({
    status: 0,
    stdout: "toy-bad: no room for the result of a\n",
    stderr: "",
  });
});
