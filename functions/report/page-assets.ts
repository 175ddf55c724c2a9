/** The page's own script and style. In the installed package this module is replaced by its result (build.js). */

/** What the page is made of beside its data. */
export interface PageAssets {
  /** JavaScript, minified, with the library that draws the charts in it. */
  readonly script: string;
  readonly style: string;
}

/** Builds the page's script and style: in a clone, where the tools are. */
export async function pageAssets(): Promise<PageAssets> {
  const { buildPage } = await import('./build-page.js');
  return await buildPage();
}
