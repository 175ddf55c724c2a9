/**
 * Equal texts as one: rows repeat a few names and statuses, and `JSON.parse` makes each anew. Of what a run holds until
 * its next commit, that would be half.
 */

/** Enough for the tasks of a workspace; beyond that, sharing starts anew. */
const maxTexts = 10_000;

/** The texts of one client. */
export class SharedTexts {
  readonly #texts = new Map<string, string>();

  /**
   * A text that is equal to `text`, and was given before where there is one. Halves of surrogate pairs, which no UTF-8 can hold,
   * become U+FFFD here and not only in the file, so that what was read is what can be compared.
   */
  share(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) {
      return known;
    }
    if (this.#texts.size >= maxTexts) {
      this.#texts.clear();
    }
    const wellFormed = text.toWellFormed();
    this.#texts.set(text, wellFormed);
    return wellFormed;
  }
}
