/** The top of the page: what it is about, and whether it can be trusted. */
import type { ReportData, TargetFacts } from '../report-data.ts';
import { counted, el } from './dom.ts';
import { duration, type Times } from './times.ts';

/** Maximum age of a table before the page shows a warning. A scheduled sync runs hourly. */
const staleMs = 3 * 3_600_000;

type Judgement = { readonly isGood: boolean; readonly text: string };
const good = (text: string): Judgement => ({ isGood: true, text });
const bad = (text: string): Judgement => ({ isGood: false, text });

/** Makes the header. @param nowMs when the page is opened */
export function header(data: ReportData, times: Times, nowMs: number): HTMLElement {
  const names = data.targets.map(({ name }) => name).join(', ');
  const [first = '', last = ''] = [data.days[0], data.days.at(-1)];
  const age = nowMs - data.madeAtMs;
  return el(
    'header',
    { class: 'top' },
    el(
      'div',
      {},
      el('h1', {}, 'Data quality'),
      el(
        'p',
        { class: 'about' },
        el('bdi', {}, names),
        ` · ${first} to ${last} · ${counted(data.executions, 'execution')}`,
      ),
      el(
        'p',
        { class: 'about' },
        `Times in ${data.timeZone}${offsets(data, times)} · made ${times.short(data.madeAtMs)}${age > 3_600_000 ? `, ${duration(age)} ago` : ''}`,
      ),
    ),
    el('section', { class: 'trust', 'aria-label': 'Can this page be trusted?' }, ...trustLines(data, times)),
  );
}

/** The zone's offset; both if the clocks have changed within the days shown. */
function offsets({ timeZone, days, asOfMs }: ReportData, times: Times): string {
  const last = times.offset(asOfMs);
  const first = times.offset(Date.parse(`${days[0]}T12:00:00Z`));
  return timeZone === 'UTC' ? '' : ` (${first === last ? '' : `${first}, then `}${last})`;
}

/** Up to this many healthy targets have a line each; more are summarized. */
const maxGoodLines = 2;

function trustLines(data: ReportData, times: Times): HTMLElement[] {
  const isHealthy = (target: TargetFacts): boolean => judge(target, data, times).every(({ isGood }) => isGood);
  const healthy = data.targets.filter(isHealthy);
  const areSummarized = healthy.length > maxGoodLines;
  const ofTheirOwn = data.targets.filter((target) => !isHealthy(target)).concat(areSummarized ? [] : healthy);
  const lines = ofTheirOwn.map((target) => trust(target.name, judge(target, data, times)));
  if (!areSummarized) {
    return lines;
  }
  const oldestMs = Math.min(...healthy.map(({ watermarkMs }) => watermarkMs ?? 0));
  const knownFromMs = Math.max(...healthy.map((target) => target.knownFromMs ?? 0)) || null;
  const together = [good(`Complete up to ${times.short(oldestMs)} or later`), good(noGaps(knownFromMs, data, times))];
  return [...lines, trust(counted(healthy.length, 'target'), together)];
}

function trust(name: string, judgements: readonly Judgement[]): HTMLElement {
  const isGood = judgements.every((each) => each.isGood);
  return el(
    'div',
    { class: isGood ? 'target good' : 'target bad' },
    el(
      'strong',
      { class: isGood ? 'passed' : 'warning' },
      el('span', { 'aria-hidden': 'true' }, isGood ? '✓ ' : '! '),
      el('bdi', {}, name),
    ),
    ...judgements.map(({ isGood: fine, text }) => el('span', { class: fine ? null : 'warning' }, text)),
  );
}

/** @param knownFromMs where coverage begins; null if that is before the days shown */
function noGaps(knownFromMs: number | null, { days }: ReportData, times: Times): string {
  return knownFromMs === null
    ? `No gaps in ${counted(days.length, 'day')}`
    : `No gaps since ${times.short(knownFromMs)}; nothing is known of the days before`;
}

function judge(target: TargetFacts, data: ReportData, times: Times): Judgement[] {
  const { error, watermarkMs, gaps, gapsMs, knownFromMs, lastRun } = target;
  if (error !== null) {
    return [bad(`Freshness and coverage unknown: ${error}`)];
  }
  if (watermarkMs === null) {
    return [bad('Never synced: what is shown comes from backfills only')];
  }
  const behindMs = data.madeAtMs - watermarkMs;
  const upTo = `Complete up to ${times.short(watermarkMs)}`;
  return [
    behindMs < staleMs ? good(upTo) : bad(`${upTo}, ${duration(behindMs)} behind: later failures may be missing`),
    gaps === 0
      ? good(noGaps(knownFromMs, data, times))
      : bad(`${counted(gaps, 'gap')}, ${duration(gapsMs)} in all: failures in them are not shown`),
    ...(lastRun?.outcome === 'failed'
      ? [bad(`Last sync failed at ${times.short(lastRun.atMs)}: ${lastRun.error ?? 'no reason recorded'}`)]
      : []),
    audited(target, times),
  ];
}

function audited({ lastAudit }: TargetFacts, times: Times): Judgement {
  if (lastAudit === null) {
    return good('No daily audit has run yet: to compare the table with the source, run dqsync verify');
  }
  const { atMs, days, lateRows, failed } = lastAudit;
  const added = lateRows === 0 ? '' : `, ${counted(lateRows, 'late row')} added`;
  return failed > 0
    ? bad(`Audit ${times.short(atMs)}: ${counted(failed, 'day')} could not be compared with the source`)
    : good(`Audited ${times.short(atMs)}: ${counted(days, 'day')} equal to the source${added}`);
}
