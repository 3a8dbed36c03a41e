// The records of a file of JSON lines that a stage wrote.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { invalid } from "../base/errors.js";

/** Fails as `report-damaged` at a line that is no JSON. */
export async function* jsonLines<T>(path: string): AsyncIterable<T> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) if (line !== "") yield parsed<T>(line, path);
}

function parsed<T>(line: string, path: string): T {
  try {
    return JSON.parse(line) as T;
  } catch (cause) {
    throw invalid("report-damaged", `expected JSON lines in ${path}, got ${JSON.stringify(line.slice(0, 80))}`, {
      where: { file: path },
      hint: "the file has changed since the stage wrote it; remove the stage's folder and run again",
      cause,
    });
  }
}
