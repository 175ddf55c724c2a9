/** The page's own script and style. In the installed package this module is replaced by its result (build.js). */

/** The parts of the page other than its data. */
export interface PageAssets {
  /** JavaScript, minified, with the library that draws the charts in it. */
  readonly script: string;
  readonly style: string;
}

let built: Promise<PageAssets> | undefined;

/** Builds the page's script and style, once. Only in a clone, which has the tools. */
export function pageAssets(): Promise<PageAssets> {
  built ??= import('./build-page.js').then(({ buildPage }) => buildPage());
  return built;
}
