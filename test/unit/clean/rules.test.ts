// Each rule of clean by the law it states.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { judgeBadWords } from "#src/clean/filters/bad-words.js";
import { judgeUrls } from "#src/clean/filters/blocked-urls.js";
import { judgeC4Page, keepC4Lines } from "#src/clean/filters/c4-lines.js";
import { judgeGopherQuality } from "#src/clean/filters/gopher-quality.js";
import { judgeGopherRepetition } from "#src/clean/filters/gopher-repetition.js";
import { judgeLanguage, LANGUAGES, loadIdentifier } from "#src/clean/filters/language.js";
import { titleKey } from "#src/clean/filters/listed-titles.js";
import { joinStoryLines } from "#src/clean/filters/story-newlines.js";
import { type CleanConfig, cleanStage } from "#src/clean/index.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rules-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** The resolved configuration of one rule. */
function ruleConfig<K extends keyof CleanConfig>(name: K, config: object = {}): NonNullable<CleanConfig[K]> {
  return cleanStage.schema.parse({ [name]: config })[name]!;
}

async function list(name: string, entries: readonly string[]): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, `# a list\n\n${entries.join("\r\n")}\n`);
  return path;
}

describe("storyNewlines", () => {
  test("a line feed after a word becomes a space; after punctuation it stays", () => {
    expect(joinStoryLines("the old\nman  slept.\nThen\n\n he é\nwoke\n")).toBe("the old man slept.\nThen he é woke ");
    expect(joinStoryLines("One.\n\nTwo!\n")).toBe("One.\n\nTwo!\n");
  });
});

describe("listedTitles", () => {
  test("a title of WikiText equals the one of Wikipedia, however it is tokenised", () => {
    expect(titleKey("2011 – 12 Columbus Blue Jackets season")).toBe(titleKey("2011–12 Columbus Blue Jackets season"));
    expect(titleKey("Ode to a Night @-@ ingale")).toBe(titleKey("Ode_to_a_Night-ingale"));
    expect(titleKey("Cafe\u0301")).toBe(titleKey("CAFÉ"));
    expect(titleKey("Du Fu")).not.toBe(titleKey("Du Fus"));
    expect(titleKey("!!!")).toBe("!!!");
  });
});

describe("blockedUrls", () => {
  test("the first test that an address fails is named", async () => {
    const judge = judgeUrls(
      ruleConfig("blockedUrls", {
        domains: await list("domains", ["youtube", "example.org"]),
        extensions: await list("extensions", [".jpg", ".tar.gz"]),
        urls: await list("urls", ["https://good.com/not-this"]),
      }),
    );
    const verdicts = {
      "https://www.youtube.co.uk/x.jpg": "the domain youtube is listed",
      "http://a.b.example.org/": "the domain example.org is listed",
      "http://site.com/photo.JPG?size=2": "the ending .jpg is listed",
      "http://site.com/a.v1.tar.gz": "the ending .tar.gz is listed",
      "a.b": "an address of fewer than 9 characters",
      "ftp://site.com/x": "a malformed address",
      "https://good.com/not-this": "the address is listed",
    };
    for (const [url, verdict] of Object.entries(verdicts)) expect(judge(url)).toBe(verdict);
    const kept = [
      "https://good.com/this",
      "http://notexample.org/",
      "http://youtube.site.com/",
      "http://10.0.0.1:80/a",
    ];
    for (const url of kept) expect(judge(url)).toBeUndefined();
  });
});

describe("language", () => {
  const TEXTS: Readonly<Record<string, string>> = {
    ar: "يجري الكلب في الغابة الكبيرة وتنام القطة بهدوء قرب النافذة كل مساء.",
    bg: "Кучето тича през гората, а котката спи спокойно до прозореца всяка вечер.",
    cs: "Pes běží velkým lesem a kočka každý večer klidně spí u okna našeho domu.",
    da: "Hunden løber gennem den store skov, og katten sover roligt ved vinduet hver aften.",
    de: "Der Hund läuft durch den großen Wald, und die Katze schläft jeden Abend ruhig am Fenster.",
    el: "Ο σκύλος τρέχει μέσα στο μεγάλο δάσος και η γάτα κοιμάται ήσυχα κάθε βράδυ.",
    en: "The dog runs through the great forest, and the cat sleeps quietly by the window every evening.",
    es: "El perro corre por el gran bosque y el gato duerme tranquilo junto a la ventana cada noche.",
    fi: "Koira juoksee suuren metsän läpi, ja kissa nukkuu rauhassa ikkunan vieressä joka ilta.",
    fr: "Le chien court à travers la grande forêt et le chat dort tranquillement près de la fenêtre.",
    he: "הכלב רץ ביער הגדול והחתול ישן בשקט ליד החלון בכל ערב.",
    hi: "कुत्ता बड़े जंगल में दौड़ता है और बिल्ली हर शाम खिड़की के पास चुपचाप सोती है।",
    hu: "A kutya átfut a nagy erdőn, a macska pedig minden este nyugodtan alszik az ablaknál.",
    it: "Il cane corre attraverso il grande bosco e il gatto dorme tranquillo vicino alla finestra.",
    ja: "犬は大きな森の中を走り、猫は毎晩窓のそばで静かに眠っています。",
    ko: "개는 큰 숲속을 달리고 고양이는 매일 저녁 창가에서 조용히 잠을 잔다.",
    nl: "De hond rent door het grote bos en de kat slaapt elke avond rustig bij het raam.",
    pl: "Pies biegnie przez wielki las, a kot każdego wieczoru spokojnie śpi przy oknie.",
    pt: "O cachorro corre pela grande floresta e o gato dorme tranquilo perto da janela todas as noites.",
    ro: "Câinele aleargă prin pădurea mare, iar pisica doarme liniștită lângă fereastră în fiecare seară.",
    ru: "Собака бежит через большой лес, а кошка каждый вечер спокойно спит у окна.",
    sv: "Hunden springer genom den stora skogen och katten sover lugnt vid fönstret varje kväll.",
    th: "สุนัขวิ่งผ่านป่าใหญ่และแมวนอนหลับอย่างเงียบ ๆ ข้างหน้าต่างทุกเย็น",
    tr: "Köpek büyük ormanda koşuyor ve kedi her akşam pencerenin yanında sessizce uyuyor.",
    uk: "Собака біжить через великий ліс, а кішка щовечора спокійно спить біля вікна.",
    vi: "Con chó chạy qua khu rừng lớn và con mèo ngủ yên bên cửa sổ mỗi buổi tối.",
    zh: "狗在大森林里奔跑，猫每天晚上在窗边安静地睡觉。",
  };

  test("one sentence in each of 27 languages is told right", async () => {
    const identify = await loadIdentifier();
    expect(Object.fromEntries(Object.keys(TEXTS).map((code) => [code, identify(TEXTS[code]!)]))).toEqual(
      Object.fromEntries(Object.keys(TEXTS).map((code) => [code, code])),
    );
  });

  test("a long page is judged by all of it, not by its menu", async () => {
    const page = `${`${TEXTS.en} `.repeat(3)}${`${TEXTS.de} `.repeat(60)}`;
    const judge = judgeLanguage(ruleConfig("language", { keep: ["en"] }), await loadIdentifier());
    expect(judge(page)).toBe("the language is de");
    expect(judge(TEXTS.en!.repeat(50))).toBeUndefined();
    expect(judge("12 34 -- 56")).toBe("no language that could be told");
  });

  test("the languages one may name are those that the identifier tells", async () => {
    const { eld } = await import("eld/medium");
    expect([...LANGUAGES].sort()).toEqual(Object.values(eld.info().Languages).sort());
  });
});

describe("gopherQuality", () => {
  const config = ruleConfig("gopherQuality");
  const sentence = "the people of the town have to be kind and live with that ";
  const good = sentence.repeat(5).trim();

  test("prose passes, and each rule is named when it alone is broken", () => {
    expect(judgeGopherQuality(config, good)).toBeUndefined();
    const verdict = (text: string): string | undefined => judgeGopherQuality(config, text);
    expect(verdict(sentence)).toBe("13 words, at least 50");
    expect(verdict("a b ".repeat(40))).toBe("1 characters a word, 3 to 10");
    expect(verdict(good.replaceAll("town", "#town"))).toBeUndefined();
    expect(verdict(good.replaceAll(/the|town/g, "#$&"))).toBe("0.231 hash signs a word, at most 0.1");
    expect(verdict(good.replaceAll(/people|town/g, "$&..."))).toBe("0.154 ellipses a word, at most 0.1");
    expect(verdict(`${sentence}\n`.repeat(5).replaceAll(/^/gm, "- "))).toMatch(/^1 of the lines begin with a bullet/);
    expect(verdict(`${`${sentence.trim()}\n`.repeat(4)}${sentence.trim()}...\n${good}...`)).toMatch(
      /^0.333 of the lines end/,
    );
    expect(verdict(good.replaceAll(/people|town|kind/g, "1234"))).toMatch(/of the words have a letter, at least 0.8$/);
    expect(verdict("cats chase small birds ".repeat(20))).toBe("0 English stop words, at least 2");
  });
});

describe("gopherRepetition", () => {
  const config = ruleConfig("gopherRepetition");
  const verdict = (text: string): string | undefined => judgeGopherRepetition(config, text);
  const words = (n: number, from = 0): string => Array.from({ length: n }, (_, i) => `w${from + i}`).join(" ");

  test("text without repetition passes, also a short one and none", () => {
    for (const text of ["", "one", words(3), words(500)]) expect(verdict(text)).toBeUndefined();
  });

  test("repeated lines and paragraphs count when they come again, exactly at the limit", () => {
    const lines = (repeated: number): string =>
      Array.from({ length: 10 }, (_, i) => words(4, (i < repeated ? 0 : i) * 4)).join("\n");
    const tolerant = {
      ...config,
      maxLineCharacters: 1,
      maxTopNgrams: [1, 1, 1],
      maxRepeatedNgrams: [1, 1, 1, 1, 1, 1],
    };
    expect(judgeGopherRepetition(tolerant, lines(4))).toBeUndefined();
    expect(judgeGopherRepetition(tolerant, lines(5))).toBe("0.4 of the lines, at most 0.3");
    expect(verdict(`${words(40)}\n\n${words(40)}\n\n${words(9, 90)}`)).toMatch(
      /of the (lines|paragraphs), at most 0.3$/,
    );
  });

  test("the most frequent n-gram counts by all its occurrences", () => {
    const text = Array.from({ length: 10 }, (_, i) => `ab cd ${"x".repeat(5)}${i}`).join(" ");
    expect(verdict(text)).toBe("0.4 of the characters in the most frequent 2-gram, at most 0.2");
  });

  test("characters in overlapping repeated n-grams count once", () => {
    const text = `${words(10, 100)} ${words(60, 200)} ${words(10, 100)}`;
    expect(verdict(text)).toBe("0.25 of the characters in repeated 5-grams, at most 0.15");
    expect(
      judgeGopherRepetition({ ...config, maxRepeatedNgrams: [0.25, 0.25, 0.25, 0.25, 0.25, 0.25] }, text),
    ).toBeUndefined();
  });
});

describe("c4Lines", () => {
  const config = ruleConfig("c4Lines");

  test("lines stay by their end, their words and what they name", () => {
    const text = [
      "Home | About | Contact",
      "  This line is a real sentence.  ",
      "Too short.",
      "This one goes on and on...",
      "Please enable Javascript to see it.",
      "He said “this is how it ends.”",
      "Read our privacy policy before you go.",
    ].join("\n");
    expect(keepC4Lines(config, text)).toBe("This line is a real sentence.\nHe said “this is how it ends.”");
  });

  test("marks of citations go before a line is judged, long words take their line with them", () => {
    const text = [
      "It is said to be so.[12]",
      "Four words and one.[citation needed] [edit]",
      `One word here is ${"x".repeat(1001)} too long.`,
      `One word here is ${"\u{1f600}".repeat(1000)} not long.`,
    ].join("\n");
    const kept = keepC4Lines(config, text).split("\n");
    expect(kept).toEqual(["It is said to be so.", `One word here is ${"\u{1f600}".repeat(1000)} not long.`]);
    expect(keepC4Lines({ ...config, maxWordLength: 9 }, "This is extraordinary to see.")).toBe("");
  });

  test("filler and brackets are met in the order of the published code", () => {
    // Javascript takes a line before its bracket is seen; filler and brackets are seen before what banners name.
    expect(keepC4Lines(config, "Call the Javascript function { now please.")).toBe("");
    expect(keepC4Lines(config, "Enable Javascript for lorem ipsum to appear.")).not.toBe("");
    expect(keepC4Lines(config, "The privacy policy is in { these } brackets.")).not.toBe("");
    expect(keepC4Lines(config, "The privacy policy is not in these brackets.")).toBe("");
  });

  test("a page goes by bracket, filler or too few sentences", () => {
    expect(judgeC4Page(config, "One is here. Two is here! Is three here?")).toBeUndefined();
    expect(judgeC4Page(config, "One... Two?! Three.")).toBeUndefined();
    expect(judgeC4Page(config, `${".".repeat(2 ** 17)}x`)).toBe("0 sentences, at least 3");
    expect(judgeC4Page(config, "One is 3.5 here. Two is here!")).toBe("2 sentences, at least 3");
    expect(judgeC4Page(config, "a { b. c. d.")).toBe("a curly bracket");
    expect(judgeC4Page(config, "Lorem Ipsum a. b. c.")).toBe('"lorem ipsum"');
  });
});

describe("badWords", () => {
  test("a listed word or phrase is met whole, in any case, and names itself", async () => {
    const judge = judgeBadWords(
      ruleConfig("badWords", { file: await list("words", ["Foo", "foo bar", "c++", "e-mail", "schlüssel"]) }),
    );
    const verdicts = {
      "a FOO, here": "foo",
      "(foo bar)": "foo bar",
      "we like c++.": "c++",
      "by e-mail": "e-mail",
      "der SCHLÜSSEL": "schlüssel",
    };
    for (const [text, word] of Object.entries(verdicts)) expect(judge(text), text).toBe(`the word "${word}" is listed`);
    for (const text of ["food", "a_foo", "foo2", "éfoo", "fo o", "c+", ""]) expect(judge(text), text).toBeUndefined();
  });

  test("inside words only where it is asked for", async () => {
    const file = await list("words", ["悪"]);
    expect(judgeBadWords(ruleConfig("badWords", { file }))("最悪です")).toBeUndefined();
    expect(judgeBadWords(ruleConfig("badWords", { file, anywhere: true }))("最悪です")).toBe('the word "悪" is listed');
  });

  test("a list in decomposed letters meets texts in composed ones", async () => {
    const file = await list("words", ["cafe\u0301"]);
    expect(judgeBadWords(ruleConfig("badWords", { file }))("un caf\u00e9 noir")).toContain("is listed");
  });

  test("an empty list drops nothing", async () => {
    expect(judgeBadWords(ruleConfig("badWords", { file: await list("words", []) }))("any text")).toBeUndefined();
  });
});
