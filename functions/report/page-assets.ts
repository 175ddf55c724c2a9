/** The page's own script and style. In the installed package this module is replaced by its result (build.js). */

/** The parts of the page other than its data. */
export interface PageAssets {
  /** JavaScript, minified, with the library that draws the charts in it. */
  readonly script: string;
  readonly style: string;
}

/** Builds the page's script and style. Only in a clone, which has the tools. */
export async function pageAssets(): Promise<PageAssets> {
  const { buildPage } = await import('./build-page.js');
  return await buildPage();
}
