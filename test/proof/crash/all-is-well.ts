/** What figures of kills have to say. */
export const allIsWell = { lost: 0, wrong: 0, shownTwice: 0, invented: 0, failures: [] };
