// The table "Odd bytes" of docs/formats/corpus.md, row by row: what becomes of marks, line ends, half pairs, NUL, repeated
// names and other encodings in files of lines, JSON files and texts.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanStage } from "#src/clean/index.js";
import { cleanTasks } from "#src/clean/tasks.js";
import { createBlockReader } from "#src/read/index.js";
import { conduct, refsOf } from "./conduct.js";

let dir: string;
let number = 0;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "odd-bytes-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Texts that clean keeps of a file, and the reasons of what it rejects; or the code of the refusal. Texts keep their line ends and forms. */
async function outcomeOf(ending: string, content: string | Uint8Array): Promise<object> {
  return cleaned(ending, content).catch(({ code }: { code: string }) => ({ refused: code }));
}

async function cleaned(ending: string, content: string | Uint8Array) {
  number += 1;
  const path = join(dir, `${number}.${ending}`);
  await writeFile(path, content);
  const config = { minTokens: 0, nfc: false, newlines: false, maxRejectedFraction: 1 };
  const out = join(dir, `out-${number}`);
  const reader = createBlockReader();
  const { parts } = await conduct(cleanStage, cleanTasks, { inputs: await refsOf([path]), config, dir: out, reader });
  const lines = async (file: string): Promise<Record<string, string>[]> =>
    (await readFile(file, "utf8"))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  const kept = (await Promise.all(parts.map(({ path: part }) => lines(part)))).flat();
  const rejected = await lines(join(out, "rejected/rejected.jsonl"));
  return { texts: kept.map(({ text }) => text), reasons: rejected.map(({ reason }) => reason) };
}

const kept = (...texts: string[]) => ({ texts, reasons: [] as string[] });
const dropped = (...reasons: string[]) => ({ texts: [] as string[], reasons });
const bytes = (...parts: (string | number[])[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))));
/** A record around the inside of its text. */
const record = (inside: string): string => `{"text":"${inside}"}`;

type Row = readonly [
  what: string,
  lines: readonly [string | Uint8Array, object],
  json: readonly [string | Uint8Array, object],
  text: readonly [string | Uint8Array, object],
];

const MARK = "\ufeff";
const ROWS: readonly Row[] = [
  [
    "a byte order mark at the begin",
    [MARK + record("a"), kept("a")],
    [MARK + record("a"), kept("a")],
    [`${MARK}a`, kept("a")],
  ],
  [
    "U+FEFF elsewhere",
    [
      `${record(`a${MARK}b`)}\n${MARK}${record("c")}\n${record("d")}`,
      { texts: [`a${MARK}b`, "d"], reasons: ["invalid-json"] },
    ],
    [`${record(`a${MARK}b`)}\n${MARK}${record("c")}`, { texts: [`a${MARK}b`], reasons: ["invalid-json"] }],
    [`a${MARK}b`, kept(`a${MARK}b`)],
  ],
  [
    "CRLF",
    [`${record("a")}\r\n${record("b")}\r\n`, kept("a", "b")],
    [`[${record("a")},\r\n${record("b")}]\r\n`, kept("a", "b")],
    ["a\r\nb", kept("a\r\nb")],
  ],
  [
    "CR alone, U+0085, U+2028",
    [`{"text":\r"a\u2028\u0085b"}\r${record("c")}\n`, dropped("invalid-json")],
    [`{"text":\r"a\u2028\u0085b"}\r${record("c")}`, kept("a\u2028\u0085b", "c")],
    ["a\rb\u2028\u0085c", kept("a\rb\u2028\u0085c")],
  ],
  [
    "half a surrogate pair, escaped",
    [`${record("a\\ud83d")}\n${record("\\ud83d\\ude00")}`, { texts: ["\u{1f600}"], reasons: ["lone-surrogate"] }],
    [`${record("a\\ud83d")}\n${record("\\ud83d\\ude00")}`, { texts: ["\u{1f600}"], reasons: ["lone-surrogate"] }],
    ["a\\ud83d", kept("a\\ud83d")],
  ],
  [
    "half a surrogate pair as three bytes",
    [bytes('{"text":"', [0xed, 0xa0, 0xbd], '"}\n', record("b")), { texts: ["b"], reasons: ["invalid-utf8"] }],
    [bytes('{"text":"', [0xed, 0xa0, 0xbd], '"}\n', record("b")), { texts: ["b"], reasons: ["invalid-utf8"] }],
    [bytes("a", [0xed, 0xa0, 0xbd]), dropped("invalid-utf8")],
  ],
  [
    "NUL",
    [`${record("a\\u0000b")}\n${record("a\0b")}`, { texts: ["a\0b"], reasons: ["invalid-json"] }],
    [`${record("a\\u0000b")}\n${record("a\0b")}`, { texts: ["a\0b"], reasons: ["invalid-json"] }],
    ["a\0b", kept("a\0b")],
  ],
  [
    "a name that stands twice",
    [`{"text":"a","text":"b"}\n{"text":"c","x":{"y":1,"y":2}}`, { texts: ["c"], reasons: ["duplicate-key"] }],
    [`{"text":"a","text":"b"}\n{"text":"c","x":{"y":1,"y":2}}`, { texts: ["c"], reasons: ["duplicate-key"] }],
    ['{"text":"a","text":"b"}', kept('{"text":"a","text":"b"}')],
  ],
  [
    "overlong and cut forms of UTF-8",
    [bytes('{"text":"', [0xc0, 0xaf], '"}\n{"text":"', [0xe2, 0x82], '"}'), dropped("invalid-utf8", "invalid-utf8")],
    [bytes('{"text":"', [0xc0, 0xaf], '"}\n{"text":"', [0xe2, 0x82], '"}'), dropped("invalid-utf8", "invalid-utf8")],
    [bytes([0xe2, 0x82]), dropped("invalid-utf8")],
  ],
  [
    "UTF-16 with its mark",
    [Buffer.from(MARK + record("a"), "utf16le"), kept("a")],
    [Buffer.from(MARK + record("a"), "utf16le"), kept("a")],
    [Buffer.from(`${MARK}a`, "utf16le"), kept("a")],
  ],
  [
    "half a surrogate pair in UTF-16",
    [
      Buffer.from(`${MARK}${record("a\ud83d")}\n${record("\ud83d\ude00")}`, "utf16le"),
      { texts: ["\u{1f600}"], reasons: ["invalid-encoding"] },
    ],
    [
      Buffer.from(`${MARK}${record("a\udc00")}\n${record("\ud83d\ude00")}`, "utf16le"),
      { texts: ["\u{1f600}"], reasons: ["invalid-encoding"] },
    ],
    [Buffer.from(`${MARK}a\ud83d`, "utf16le"), dropped("invalid-encoding")],
  ],
  [
    "UTF-16 without a mark",
    [Buffer.from(record("abc"), "utf16le"), { refused: "input-encoding" }],
    [Buffer.from(record("abc"), "utf16le").swap16(), { refused: "input-encoding" }],
    [Buffer.from("some text", "utf16le"), dropped("invalid-utf8")],
  ],
  [
    "UTF-32 with its mark",
    [bytes([0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0]), { refused: "input-encoding" }],
    [bytes([0, 0, 0xfe, 0xff, 0, 0, 0, 0x7b]), { refused: "input-encoding" }],
    [bytes([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]), dropped("invalid-utf8")],
  ],
];

describe("odd bytes", () => {
  test.each(ROWS)("%s", async (_, lines, json, text) => {
    expect(await outcomeOf("jsonl", lines[0]), "lines").toEqual(lines[1]);
    expect(await outcomeOf("json", json[0]), "JSON").toEqual(json[1]);
    expect(await outcomeOf("txt", text[0]), "text").toEqual(text[1]);
  });

  test("the documentation has a row for each", async () => {
    const page = await readFile(new URL("../../../docs/formats/corpus.md", import.meta.url), "utf8");
    const table = page.slice(page.indexOf("## Odd bytes"));
    for (const [what] of ROWS) expect(table).toContain(`| ${what} |`);
  });
});
