/** The data that a page of the report contains. */
import { inflateRawSync } from 'node:zlib';
import type { ReportData } from '../../functions/report/report-data.ts';

/** Returns the data of a page. Throws unless they are in base64, in which nothing can be a tag. */
export function dataInPage(html: string): ReportData {
  const [, text] = /<script type="text\/plain" id="data">([A-Za-z0-9+/=]+)<\/script>/.exec(html) ?? [];
  if (text === undefined) {
    throw new RangeError('the page contains no data in base64');
  }
  return JSON.parse(inflateRawSync(Buffer.from(text, 'base64')).toString());
}
