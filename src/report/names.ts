// Names that come from data: ids, sources, files. They may be long, run from right to left, or be made to do harm.
import { html, type Markup } from "./html.js";

const MAX_CHARACTERS = 160;

/** What turns the order of characters around, so that one name could pass for another. */
const BIDI_CONTROLS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Isolated, so that its direction does not change what stands around it; long ones are cut in the middle. */
export function nameOf(text: string): Markup {
  const shown = text === "" ? "(empty)" : shorten(text, MAX_CHARACTERS).replace(BIDI_CONTROLS, "\ufffd");
  return html`<bdi class="id">${shown}</bdi>`;
}

export function shorten(text: string, atMost: number): string {
  const characters = text.length <= atMost ? [] : Array.from(text.slice(0, 2 * atMost));
  if (characters.length <= atMost) return text.length <= 2 * atMost ? text : `${characters.join("")}...`;
  const half = Math.floor(atMost / 2);
  return `${characters.slice(0, half).join("")} ... ${Array.from(text.slice(-2 * half))
    .slice(-half)
    .join("")}`;
}

/** A word for a POSIX shell; undefined for what no one can type: control characters, half surrogates, endless names. */
export function shellWord(text: string): string | undefined {
  if (text === "" || text.length > 4 * MAX_CHARACTERS || /[\p{Cc}\p{Cs}\p{Cf}\p{Zl}\p{Zp}]/u.test(text))
    return undefined;
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A command of ours that a reader can run; undefined when one of its words cannot be typed. */
export function millraceCommand(...words: readonly string[]): Markup | undefined {
  const typed = words.map(shellWord);
  return typed.includes(undefined) ? undefined : html`<code class="command">npx millrace ${typed.join(" ")}</code>`;
}
