/** The page's script: draws the report out of the data in the page. */
import type { ReportData } from '../report-data.ts';
import { totalsOf } from '../totals.ts';
import { chartSections } from './charts.ts';
import { count, el } from './dom.ts';
import { type Filter, filterBar, matches } from './filters.ts';
import { header } from './header.ts';
import { incidentTable } from './incidents.ts';
import { nightTable } from './night.ts';
import { overview } from './overview.ts';
import { remarksShown } from './parts.ts';
import { ruleGroups } from './rule-groups.ts';
import { taskSection } from './tasks.ts';
import { timesIn } from './times.ts';

/** Reads the data that report-page.ts has embedded. */
async function embeddedData(): Promise<ReportData> {
  const bytes = Uint8Array.from(atob(document.getElementById('data')?.textContent ?? ''), (byte) => byte.charCodeAt(0));
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return await new Response(inflated).json();
}

function draw(data: ReportData): void {
  const times = timesIn(data.timeZone);
  const night = nightTable(data, times);
  const incidents = incidentTable(data, times);
  const tasks = taskSection(data, times);
  const groups = ruleGroups(data);
  const charts = chartSections(data);
  const figures = el('dl', { class: 'tiles', 'aria-live': 'polite' });

  const show = (filter: Filter): void => {
    const shown = data.tasks.filter((task) => matches(task, filter, data));
    // The workspaces' own totals include tasks that have no row.
    const isOfAll = filter.text === '' && filter.status === '';
    const places = data.workspaces.filter((_, index) => filter.w === null || filter.w === index);
    figures.replaceChildren(...overview(isOfAll ? places.map(({ totals }) => totals) : [totalsOf(shown, data.asOfMs)]));
    for (const part of [night, incidents, tasks]) {
      part.show(shown);
    }
    groups?.show(shown);
    charts.show(filter, shown);
  };
  const upTo = [`Up to ${times.short(data.asOfMs)}. Select a task to see its runs.`, ...remarksShown(data.tasks)].join(
    ' ',
  );
  const nothing = `The table has no executions from ${data.days[0]} to ${data.days.at(-1)}. Run dqsync sync, or show more days: dqsync report --days 90.`;
  const ofGroups = `A task counts for each table and dimension that one of its rules names.${
    data.tasks.some(({ rules, rulesInAll }) => rules.length < rulesInAll)
      ? ` Only the first ${data.leftOut.rulesPerTask} rules of each task are counted.`
      : ''
  }`;
  const ofSchedule = 'Executions by day and hour of their start, also of tasks that text and status filter out.';
  const parts = [
    el('a', { class: 'skip', href: '#night' }, 'Skip to what failed'),
    header(data, times, Date.now()),
    data.executions === 0 ? el('p', { class: 'notice' }, nothing) : null,
    filterBar(data, show),
    el(
      'main',
      {},
      figures,
      section('night', 'What failed in the last 24 hours', upTo, night.element),
      section('rates', 'Pass rate by day', 'Of the executions that have ended.', charts.rates),
      section('incidents', 'Incidents', lookBackRemark(data), incidents.element),
      section('tasks', 'Tasks', null, tasks.element),
      groups === null ? null : section('groups', 'What the rules check', ofGroups, groups.element),
      section('schedule', 'When tasks run', ofSchedule, charts.schedule),
    ),
    footer(data),
  ];
  document.getElementById('report')?.replaceChildren(...parts.filter((part) => part !== null));
  show({ w: null, text: '', status: '' });
  // The browser looked for it before it was drawn.
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
  for (const [event, isExpanded] of [
    ['beforeprint', true],
    ['afterprint', false],
  ] as const) {
    addEventListener(event, () => {
      for (const part of [night, incidents, tasks]) {
        part.expand(isExpanded);
      }
    });
  }
}

function section(id: string, title: string, remark: string | null, ...content: readonly Node[]): HTMLElement {
  return el(
    'section',
    { id, 'aria-labelledby': `${id}-title` },
    el('h2', { id: `${id}-title` }, title),
    remark === null ? null : el('p', { class: 'remark' }, remark),
    ...content,
  );
}

function lookBackRemark({ days, readFromDay, leftOut, incidents }: ReportData): string {
  const [first = ''] = days;
  const listed = incidents.length;
  return [
    'From the first run of a task that did not pass to the next that did.',
    ...(readFromDay === first
      ? []
      : [`For tasks that were failing at the start of ${first}, runs since ${readFromDay} were read.`]),
    ...(leftOut.incidents === 0
      ? []
      : [`Of ${count(listed + leftOut.incidents)} incidents, ${count(listed)} are listed.`]),
  ].join(' ');
}

function footer({ leftOut, tasks, readFromDay }: ReportData): HTMLElement {
  const lines = [
    `For each task, this page has the last ${leftOut.runsPerTask} runs, up to ${leftOut.rulesPerTask} rules, and up to ${leftOut.findingsPerTask} findings of its last runs that did not pass. Counts and rates of runs include all of them.`,
    ...(leftOut.tasks === 0
      ? []
      : [
          `${count(leftOut.tasks)} tasks have no row: the ${count(tasks.length)} that fail now or failed most are listed. Without a filter on text or status, the figures at the top and the charts count all of them.`,
        ]),
    `Nothing before ${readFromDay} was read. To query all of the table, use dqsync query.`,
  ];
  return el(
    'footer',
    {},
    el('p', {}, lines.join(' ')),
    el('p', {}, 'Made by dqsync report. This file loads nothing from the network.'),
  );
}

embeddedData()
  .then(draw)
  .catch((thrown: unknown) => {
    const problem = el('p', { class: 'notice' }, `This browser cannot show the report: ${thrown}`);
    document.getElementById('report')?.replaceChildren(problem);
  });
