/** The top of the page: what it is about, and whether it can be trusted. */
import type { ReportData, TargetFacts } from '../report-data.ts';
import { button, counted, el } from './dom.ts';
import { duration, type Times } from './times.ts';

/** Maximum age of a table before the page shows a warning. A scheduled sync runs hourly. */
const staleMs = 3 * 3_600_000;

type Judgement = { readonly isGood: boolean; readonly text: string };

/** Makes the header. @param nowMs when the page is looked at */
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
        `Times in ${data.timeZone}${data.timeZone === 'UTC' ? '' : ` (${times.offset(data.asOfMs)})`} · made ${times.short(data.madeAtMs)}${age > 3_600_000 ? `, ${duration(age)} ago` : ''}`,
      ),
    ),
    themeButton(),
    el('section', { class: 'trust', 'aria-label': 'Can this page be trusted?' }, ...trustLines(data, times)),
  );
}

/** Up to this many healthy targets have a line each; more are summarized. */
const maxGoodLines = 2;

function trustLines(data: ReportData, times: Times): HTMLElement[] {
  const isGood = (target: TargetFacts): boolean => judge(target, data, times).every((each) => each.isGood);
  const good = data.targets.filter(isGood);
  const oldestMs = Math.min(...good.map(({ watermarkMs }) => watermarkMs ?? 0));
  const knownFromMs = Math.max(...good.map((target) => target.knownFromMs ?? 0)) || null;
  return [
    ...data.targets.filter((target) => !isGood(target)).map((target) => trust(target, data, times)),
    ...(good.length <= maxGoodLines
      ? good.map((target) => trust(target, data, times))
      : [
          el(
            'div',
            { class: 'target good' },
            el('strong', {}, `✓ ${counted(good.length, 'target')}`),
            el('span', {}, `Complete up to ${times.short(oldestMs)} or later`),
            el('span', {}, noGaps(knownFromMs, data, times)),
          ),
        ]),
  ];
}

function trust(target: TargetFacts, data: ReportData, times: Times): HTMLElement {
  const judgements = judge(target, data, times);
  const isGood = judgements.every((each) => each.isGood);
  return el(
    'div',
    { class: isGood ? 'target good' : 'target bad' },
    el('strong', {}, el('span', { 'aria-hidden': 'true' }, isGood ? '✓ ' : '! '), el('bdi', {}, target.name)),
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
  const { madeAtMs } = data;
  if (target.error !== null) {
    return [{ isGood: false, text: `Freshness and coverage unknown: ${target.error}` }];
  }
  if (target.watermarkMs === null) {
    return [{ isGood: false, text: 'Never synced: what is shown comes from backfills only' }];
  }
  const behindMs = madeAtMs - target.watermarkMs;
  const { lastRun } = target;
  const failed = lastRun?.outcome === 'failed';
  return [
    {
      isGood: behindMs < staleMs,
      text: `Complete up to ${times.short(target.watermarkMs)}${behindMs < staleMs ? '' : `, ${duration(behindMs)} behind: later failures are not shown`}`,
    },
    target.gaps === 0
      ? { isGood: true, text: noGaps(target.knownFromMs, data, times) }
      : {
          isGood: false,
          text: `${counted(target.gaps, 'gap')}, ${duration(target.gapsMs)} in all: failures in them are not shown`,
        },
    ...(failed
      ? [
          {
            isGood: false,
            text: `Last sync failed at ${times.short(lastRun.atMs)}: ${lastRun.error ?? 'no reason recorded'}`,
          },
        ]
      : []),
    audited(target, times),
  ];
}

function audited({ lastAudit }: TargetFacts, times: Times): Judgement {
  if (lastAudit === null) {
    return { isGood: true, text: 'Not audited against the source yet' };
  }
  const { atMs, days, lateRows, failed } = lastAudit;
  return failed > 0
    ? {
        isGood: false,
        text: `Audit ${times.short(atMs)}: ${counted(failed, 'day')} could not be compared with the source`,
      }
    : {
        isGood: true,
        text: `Audited ${times.short(atMs)}: ${counted(days, 'day')} as at the source${lateRows === 0 ? '' : `, ${counted(lateRows, 'late row')} added`}`,
      };
}

function themeButton(): HTMLElement {
  const themes = ['light dark', 'light', 'dark'] as const;
  const names = { 'light dark': 'Auto', light: 'Light', dark: 'Dark' } as const;
  let index = 0;
  const toggle = button(
    'Theme: Auto',
    () => {
      index = (index + 1) % themes.length;
      const theme = themes[index] ?? 'light dark';
      document.documentElement.style.colorScheme = theme;
      toggle.textContent = `Theme: ${names[theme]}`;
    },
    { class: 'theme' },
  );
  return toggle;
}
