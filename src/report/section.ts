// A part of the page that the contents name and link to.
import type { Markup } from "./html.js";

export interface Section {
  /** Of its heading: lower-case letters. */
  readonly id: string;
  readonly title: string;
  readonly body: Markup;
}
