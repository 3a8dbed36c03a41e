// What tasks say of the input to whoever watches the run: the first few as they come, a folder of many odd files being told
// of once and for all; stage.json has more of them.
import type { RunListener } from "./events.js";
import { STAGE_FILE_NAME } from "./stage-file.js";

const SHOWN_NOTES = 10;

export class Notes {
  readonly #stage: string;
  readonly #onEvent: RunListener;
  #numNotes = 0;

  constructor(stage: string, onEvent: RunListener) {
    this.#stage = stage;
    this.#onEvent = onEvent;
  }

  tell(notes: readonly string[] = []): void {
    for (const text of notes) {
      this.#numNotes += 1;
      const more = `more of that kind: see ${STAGE_FILE_NAME}`;
      if (this.#numNotes > SHOWN_NOTES + 1) return;
      this.#onEvent({ type: "note", stage: this.#stage, text: this.#numNotes > SHOWN_NOTES ? more : text });
    }
  }
}
