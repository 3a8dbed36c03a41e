// Generated JSON lines, good and bad, for comparing the two engines' scanners.
import fc from "fast-check";
import type { ScanOptions } from "#src/native/read.js";

export const READ: ScanOptions = {
  textField: "text",
  idField: "id",
  sourceField: "source",
  scoreField: "",
  source: "file",
  baseOffset: 0,
  baseLine: 0,
  maxDocumentBytes: 0,
};

/** Fields by paths that share objects. */
export const NESTED: ScanOptions = { ...READ, textField: "a.text", idField: "a.k.id", sourceField: "k.source" };

const string = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.string({ unit: "grapheme", maxLength: 12 }).map((text) => JSON.stringify(text.toWellFormed())),
  },
  fc.constantFrom(
    '"\\ud800"',
    '"a\\udc00b"',
    '"\\ud83d\\ude00"',
    '"\\ud83d\\ud83d\\ude00"',
    '"\\u0000"',
    '"\\u00E9\\/\\b\\f"',
    '"\\x"',
    '"\\u12g4"',
    '"\t"',
    '"open',
    `"${"long ".repeat(20)}"`,
  ),
);
const name = fc.constantFrom(
  '"text"',
  '"te\\u0078t"',
  '"id"',
  '"source"',
  '"a"',
  '"k"',
  '"score"',
  '"x"',
  '"\\u0078"',
  '"\\ud800"',
  '"\u00e9\u624b"',
  '""',
);
const number = fc.constantFrom(
  "0",
  "-0",
  "12",
  "1.50",
  "-1e5",
  "1E+400",
  "01",
  "1.",
  "+1",
  ".5",
  "1e",
  "9007199254740993",
);
const space = fc.constantFrom("", "", "", " ", "\t ", "\r");

const value: fc.Arbitrary<string> = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    string,
    number,
    fc.constantFrom("null", "true", "false", "nul", "True", "", "[", "[]", "{}", "[1,]", "[,1]"),
    fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join(",")}]`),
    tie("object"),
  ),
  object: fc
    .array(fc.tuple(space, name, space, tie("value"), space), { maxLength: 5 })
    .map((members) => `{${members.map(([a, key, b, item, c]) => `${a}${key}${b}:${item}${c}`).join(",")}}`),
})).value;

const text = fc.string({ unit: "grapheme", maxLength: 30 }).map((value) => JSON.stringify(value.toWellFormed()));
const good = fc.oneof(
  text,
  fc.constantFrom("0", "-1.5e3", "null", "true", '{"x":1}', '[1, {"x": "\\ud800"}]', '{"x":1,"x":2}'),
);
const member = fc.tuple(name, fc.oneof({ weight: 8, arbitrary: good }, value)).map(([key, item]) => `${key}:${item}`);
const other = fc.tuple(fc.constantFrom("x", "y", "z", "k"), good).map(([key, item]) => `"${key}":${item}`);
const members = fc.uniqueArray(fc.oneof({ weight: 12, arbitrary: other }, member), {
  maxLength: 3,
  selector: (one) => one.split(":")[0]!,
});

/** Mostly documents: the fields where one of the option sets looks for them, and others around them. */
const record = fc
  .tuple(
    members,
    fc.oneof({ weight: 8, arbitrary: text }, good, string),
    fc.nat({ max: 2 }),
    members,
    fc.nat({ max: 29 }),
  )
  .map(([others, content, shape, inner, rest]) => {
    const inside = [`"text":${content}`, '"k":{"y":2,"id":"I"}', ...inner].join(",");
    const field = shape === 0 ? `"a":{${inside}}` : shape === 1 ? `"a":{"text":${content}}` : `"text":${content}`;
    return `{${[...others, field].join(",")}}${["x", "{}", ","][rest] ?? ""}`;
  });

const bytesOf = (text: string): number[] => [...Buffer.from(text)];
const BYTES = [
  0x00, 0x0a, 0x0d, 0x20, 0x22, 0x2c, 0x5c, 0x7b, 0x7d, 0x7f, 0x80, 0xbf, 0xc0, 0xe2, 0xed, 0xf0, 0xf4, 0xff,
];

/** A line with a byte put in, taken out or changed now and then. */
const line = fc
  .tuple(
    fc.oneof({ weight: 9, arbitrary: record }, value, space),
    fc.tuple(fc.nat(), fc.constantFrom(...BYTES), fc.constantFrom(0, 1), fc.nat({ max: 3 })),
    fc.constantFrom("\n", "\n", "\r\n", "\n\n"),
  )
  .map(([text, [at, byte, numDropped, chance], end]) => {
    const bytes = bytesOf(text);
    if (chance === 0) bytes.splice(at % (bytes.length + 1), numDropped, byte);
    return [...bytes, ...bytesOf(end)];
  });

/** Bytes of a file, perhaps with a byte order mark, perhaps torn at the end. */
export const file: fc.Arbitrary<Uint8Array> = fc
  .tuple(fc.boolean(), fc.array(line, { maxLength: 6 }), fc.nat({ max: 3 }))
  .map(([isMarked, lines, torn]) => {
    const bytes = [...(isMarked ? [0xef, 0xbb, 0xbf] : []), ...lines.flat()];
    return Uint8Array.from(torn === 3 ? bytes.slice(0, -torn) : bytes);
  });
