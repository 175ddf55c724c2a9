/** The page: one HTML document with its script, style and data in it, and nothing to load. Pure. */
import { createHash } from 'node:crypto';
import { embedded, fitReport } from './fit-report.ts';
import type { PageAssets } from './page-assets.ts';
import type { ReportData, WholeReport } from './report-data.ts';

/** The largest page, which mail servers and chats still accept. */
export const maxPageBytes = 2_000_000;

/** A page and what it shows. */
export interface ReportPage {
  readonly html: string;
  readonly data: ReportData;
}

/**
 * Makes the page. The policy in its head allows only its own script and no loading, whatever a name in the data looks
 * like.
 */
export function reportPage(data: WholeReport, assets: PageAssets): ReportPage {
  const fitted = fitReport(data, maxPageBytes - Buffer.byteLength(htmlOf('', assets)));
  return { html: htmlOf(embedded(fitted), assets), data: fitted };
}

/** @param data in base64, so that no text in it can end the element */
function htmlOf(data: string, { script, style }: PageAssets): string {
  const hash = createHash('sha256').update(script).digest('base64');
  const policy = `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Data quality report</title>
<style>${style}</style>
</head>
<body>
<noscript><p class="notice">This report is drawn by a script inside this file. Allow JavaScript to see it.</p></noscript>
<div id="report"></div>
<script type="text/plain" id="data">${data}</script>
<script>${script}</script>
</body>
</html>
`;
}
