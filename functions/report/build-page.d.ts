import type { Plugin } from 'esbuild';

/** Bundles the script and the style of the page. */
export function buildPage(): Promise<{ readonly script: string; readonly style: string }>;
/** A plugin of esbuild that puts the finished page into a bundle. */
export const builtPage: Plugin;
