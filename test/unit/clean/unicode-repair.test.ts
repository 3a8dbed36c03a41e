// Misread UTF-8 comes back, and text that was never misread stays, in many languages. The texts are our own.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mayBeMisread, repairUnicode } from "#src/clean/filters/unicode-repair.js";

/** Bytes 80..9F of windows-1252; 0 where it has none. Not TextDecoder: some versions of Node.js give ISO 8859-1 instead. */
const HIGH = [..."€\0‚ƒ„…†‡ˆ‰Š‹Œ\0Ž\0\0‘’“”•–—˜™š›œ\0žŸ"];
const imageOf = (byte: number): string => {
  const image = HIGH[byte - 0x80] ?? "\0";
  return image === "\0" ? String.fromCharCode(byte) : image;
};
/** What an editor shows that takes UTF-8 for windows-1252. */
const misread = (text: string): string => Array.from(Buffer.from(text), imageOf).join("");
const misreadAsLatin1 = (text: string): string => Buffer.from(text).toString("latin1");

const TEXTS: Readonly<Record<string, string>> = {
  en: "The café’s owner said: “It doesn’t cost £5 – it costs €7…” at 20°C, ½ a day, ©2019.",
  fr: "À l’œuvre, les élèves ont été très sages ; là où ça va « très bien », naturellement.",
  de: "Größere Straßen heißen „Alleen“. Übermut, Ärger und Öl: viel Spaß“, sagte er.",
  es: "Así está el niño: ¿qué índole? ¡Sí! Él vivió aquí según su corazón, mañana también.",
  pt: "São irmãs; às vezes não à força. É uma ação de coração, também amanhã.",
  pl: "Żółć i źdźbło; Łódź leży tu, coś się kręci, będą pięknie śpiewać.",
  cs: "Řeřicha, šíp a žena; ďábel přišel večer, když jsme byli v lese.",
  tr: "İstanbul’da ığdır şöyle güzel, çünkü akşamüstü ılık.",
  ro: "Ești aici, Șerban? Țara și pădurea sânt frumoase, dar câinele fuge.",
  vi: "Một ngày đẹp trời, người ta đi chợ mua cá và rau tươi cho bữa tối.",
  ru: "Я и ты идём в лес; с нами собака, о которой все говорят.",
  el: "Ο σκύλος τρέχει στο δάσος και η γάτα κοιμάται ήσυχα.",
  he: "הכלב רץ ביער והחתול ישן בשקט.",
  ar: "يجري الكلب في الغابة وتنام القطة بهدوء.",
  hi: "कुत्ता जंगल में दौड़ता है और बिल्ली चुपचाप सोती है।",
  th: "สุนัขวิ่งในป่าและแมวนอนหลับอย่างเงียบ ๆ",
  ja: "犬は森を走り、猫は静かに眠っている。",
  zh: "狗在树林里奔跑，猫安静地睡着。",
  ko: "개는 숲속을 달리고 고양이는 조용히 잔다.",
  signs: "ok 😀 👍🏽 → ™ • −5 ≤ 7",
};

/** Correct text that looks most like a misreading: accented capitals and finals before quotes, dashes, signs and units. */
const TRAPS = [
  "CAFÉ» «É» MENÜ” „Spaß“ så”… MAÇÃ” IRMÃ… Ç’a été É–È Å–Å 5 Å±0.1 2 Å³ Ä\u00ad „náš“ „jíž”… 1,5 m² l·l",
  "“À” ‘é’ à»… É© Ñ® Ö™ Õ· ò† ê° ï² á\u00a0» ó–– Ø’s Å’s the SPÄ” and “Â”",
];

describe("the repair of Unicode", () => {
  test.each(Object.entries(TEXTS))("%s: a misread text comes back, also when it was misread twice", (_, text) => {
    expect(repairUnicode(misread(text))).toBe(text);
    expect(repairUnicode(misreadAsLatin1(text))).toBe(text);
    expect(repairUnicode(misread(misread(text)))).toBe(text);
    expect(repairUnicode(`${text}\n${misread(text)}`)).toBe(`${text}\n${text}`);
  });

  test("without the repair they are other texts", () => {
    for (const text of Object.values(TEXTS)) expect(misread(text)).not.toBe(text);
  });

  test.each([...Object.values(TEXTS), ...TRAPS])("correct text stays: %s", (text) => {
    expect(repairUnicode(text)).toBe(text);
  });

  test("correct words stay in any order, with any punctuation between", () => {
    const words = [...Object.values(TEXTS), ...TRAPS].flatMap((text) => text.split(" "));
    const joint = fc.constantFrom(" ", "\n", ", ", " – ", "… ", "” “", "\u00a0» ", ". ", " „");
    const text = fc
      .array(fc.tuple(fc.constantFrom(...words), joint), { maxLength: 40 })
      .map((parts) => parts.flat().join(""));
    fc.assert(
      fc.property(text, (correct) => repairUnicode(correct) === correct),
      { numRuns: 2000 },
    );
  });

  test("text of any one script stays", () => {
    const blocks = [
      [0x20, 0x7e],
      [0x370, 0x3ff],
      [0x400, 0x4ff],
      [0x5d0, 0x5ea],
      [0x620, 0x64a],
      [0x900, 0x97f],
      [0xe00, 0xe7f],
      [0x3040, 0x30ff],
      [0x4e00, 0x9fff],
      [0xac00, 0xd7a3],
      [0x1f300, 0x1f64f],
    ] as const;
    const block = fc
      .constantFrom(...blocks)
      .chain(([first, last]) =>
        fc
          .array(fc.integer({ min: first, max: last }), { maxLength: 200 })
          .map((points) => String.fromCodePoint(...points)),
      );
    fc.assert(fc.property(block, (correct) => repairUnicode(correct) === correct));
  });

  const corpus = fileURLToPath(new URL("../../../../shared/data/", import.meta.url));
  test.skipIf(!existsSync(corpus))("real text stays, line by line (skipped where ../shared/data is absent)", () => {
    const files = [
      "text/botchan.txt",
      "text/wagahaiwa_nekodearu.txt",
      "text/wikitext-2-valid.txt",
      "web-jsonl/twitter.json",
    ];
    const lines = files.flatMap((file) => readFileSync(join(corpus, file), "utf8").split("\n"));
    expect(lines.length).toBeGreaterThan(5000);
    expect(lines.filter((line) => repairUnicode(line) !== line)).toEqual([]);
  });

  test("what is not a misreading of UTF-8 stays: overlong forms, surrogates, cut sequences", () => {
    for (const text of ["x Ã", "â€", "í\u00a0€", "à€€", "ð€€€", "í\u00a0½ í¸€"]) {
      expect(repairUnicode(text)).toBe(text);
    }
  });

  test("a character that was written as two surrogates comes back", () => {
    const cesu8 = Buffer.from([0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x8d]);
    const image = Array.from(cesu8, imageOf).join("");
    expect(repairUnicode(`ok ${image}${image}!`)).toBe("ok 😍😍!");
    expect(repairUnicode(`ok ${cesu8.toString("latin1")}`)).toBe("ok 😍");
  });

  test("C1 controls become what windows-1252 has for them, a lone line end and another script's stay", () => {
    expect(repairUnicode("\u0084Ja\u0093, sagt\u0092s")).toBe("„Ja“, sagt’s");
    expect(repairUnicode("so\u0085\u0094")).toBe("so…”");
    for (const text of ["a\u0085b", "\u0081\u009d", "РИ\u0098"]) expect(repairUnicode(text)).toBe(text);
    expect(mayBeMisread(Buffer.from("\u0084Ja"))).toBe(true);
    expect(mayBeMisread(Buffer.from("5\u00a0km"))).toBe(false);
  });

  test("punctuation comes back from Mac Roman, windows-1251 and windows-1250; nothing else of theirs is touched", () => {
    const macRoman =
      "don\u201a\u00c4\u00f4t \u201a\u00c4\u00ec \u201a\u00c4\u00fayes\u201a\u00c4\u00f9\u201a\u00c4\u00b6";
    expect(repairUnicode(macRoman)).toBe("don’t – “yes”…");
    expect(repairUnicode("Tip 2 вЂ“ donвЂ™t вЂњyesвЂќ")).toBe("Tip 2 – don’t “yes”");
    expect(repairUnicode("â€śyesâ€ť")).toBe("“yes”");
    expect(mayBeMisread(Buffer.from("Tip 2 вЂ“"))).toBe(true);
    for (const text of ["‚Ärger‘", "‚Ähre‘", "в Ђаково", "g√¢teau", "â€", "в", "Ђ"])
      expect(repairUnicode(text)).toBe(text);
  });

  test("bytes that cannot hold a misreading are told without decoding", () => {
    expect(mayBeMisread(Buffer.from("plain ASCII, кириллица, 漢字"))).toBe(false);
    for (const text of Object.values(TEXTS)) expect(mayBeMisread(Buffer.from(misread(text)))).toBe(true);
  });

  test("long runs of misread characters come back, over the borders of pieces too", () => {
    const worst = "Ã¢".repeat(2 ** 19 + 1);
    expect(repairUnicode(worst)).toBe("â".repeat(2 ** 19 + 1));
    const apart = `x${misread("–")}`.repeat(2 ** 18 + 2 ** 17);
    expect(repairUnicode(apart)).toBe("x–".repeat(2 ** 18 + 2 ** 17));
  });
});
