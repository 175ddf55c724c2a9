/** Bundles the script and the style of the page. Plain JavaScript: `npm run build` runs it on old nodes, too. */
import { join } from 'node:path';
import { build } from 'esbuild';

/** @returns {Promise<{script: string, style: string}>} */
export async function buildPage() {
  const folder = join(import.meta.dirname, 'page');
  const { outputFiles } = await build({
    // By default, esbuild works in the folder where it was loaded, which may be gone.
    absWorkingDir: folder,
    entryPoints: { page: join(folder, 'main.ts'), style: join(folder, 'style.css') },
    outdir: folder,
    write: false,
    bundle: true,
    minify: true,
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'inline',
    logLevel: 'warning',
  });
  const textOf = (ending) => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? '';
  return { script: textOf('.js'), style: textOf('.css') };
}

/** A plugin of esbuild that puts the finished page into a bundle, which has no tools to build it. */
export const builtPage = {
  name: 'built-page',
  setup(bundler) {
    bundler.onLoad({ filter: /[\\/]report[\\/]page-assets\.ts$/ }, async () => ({
      contents: `const assets = ${JSON.stringify(await buildPage())};\nexport const pageAssets = async () => assets;`,
      loader: 'js',
    }));
  },
};
