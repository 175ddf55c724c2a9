/** Bundles the script and the style of the page. */
export function buildPage(): Promise<{ readonly script: string; readonly style: string }>;
