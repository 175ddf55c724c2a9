/**
 * The report in a real browser, from disk. Without one the suite is left out, which is said; `apt-get install chromium`
 * is enough for it to run.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Observation } from '../../functions/model.ts';
import { pageAssets } from '../../functions/report/page-assets.ts';
import { readReport } from '../../functions/report/read-report.ts';
import type { TargetFacts, WholeReport } from '../../functions/report/report-data.ts';
import { reportPage } from '../../functions/report/report-page.ts';
import { readDefinitions } from '../../functions/report/task-definitions.ts';
import { defaultWorkspace } from '../simulator/server.ts';
import { findBrowser, startBrowser } from '../support/browser.ts';
import { anObservation, newYearMs } from '../support/builders.ts';
import { syncedSource } from '../support/synced-source.ts';
import { tempFolder, tempWarehouse } from '../support/temp-warehouse.ts';
import { writeObservations } from '../support/warehouse-data.ts';
import { opened } from '../support/warehouse-sql.ts';

const hourMs = 3_600_000;
const nowMs = newYearMs + 40 * 24 * hourMs + 12 * hourMs;
const { workspace, projectId } = anObservation();
const executablePath = findBrowser();
const hostileName = '</script><img src=x onerror="document.title=\'hacked\'"><!--';

let browser: Browser;
beforeAll(async () => {
  if (executablePath !== null) {
    browser = await startBrowser(executablePath);
  }
});
afterAll(() => browser?.close());

/** Hourly executions of a task in the last hours, one for each letter. */
function history(taskId: bigint, name: string, letters: string, ofWorkspace = workspace): Observation[] {
  return [...letters].map((letter, index) =>
    anObservation({
      id: taskId * 1000n + BigInt(index),
      taskId,
      name,
      workspace: ofWorkspace,
      runStatus: { S: 'SUCCESS', A: 'ALARMING', R: 'RUNNING' }[letter] ?? 'FAILED',
      startTimeMs: nowMs - (letters.length - index) * hourMs,
    }),
  );
}

/** What is said of a target that has no flaw. */
const noFlaws = { gaps: 0, gapsMs: 0, knownFromMs: null, lastRun: null, lastAudit: null, error: null };

/** Reports by what they are about, because making one takes a second. */
const reports = new Map<string, Promise<WholeReport>>();

/** The report on some tasks. */
function aReport(...about: Parameters<typeof makeReport>): Promise<WholeReport> {
  const key = JSON.stringify(about, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  const report = reports.get(key) ?? makeReport(...about);
  reports.set(key, report);
  return report;
}

async function makeReport(
  rows: readonly Observation[],
  timeZone = 'UTC',
  changes: Partial<TargetFacts> = {},
  more: readonly string[] = [],
): Promise<WholeReport> {
  const store = await tempWarehouse();
  await writeObservations(store, rows, timeZone);
  const facts = { projectId, watermarkMs: nowMs, ...noFlaws, ...changes };
  const targets = [
    { ...facts, name: 'sales', workspace },
    {
      ...facts,
      name: 'stock',
      workspace: 'ws2',
      watermarkMs: nowMs - 9 * hourMs,
      lastAudit: { atMs: nowMs - 10 * hourMs, days: 30, lateRows: 2, failed: 0 },
    },
    ...more.map((name) => ({ ...facts, name, workspace: name })),
  ];
  const request = { nowMs, timeZone, days: 30, targets, definitions: new Map() };
  return await readReport(await opened(store), request);
}

/** A page with that report. */
async function aPage(...args: Parameters<typeof aReport>): Promise<Page> {
  return await pageOf(await aReport(...args));
}

/** Opens a report from disk. What goes wrong in it fails the test. */
async function pageOf(data: WholeReport, fragment = ''): Promise<Page> {
  const path = join(await tempFolder(), 'report.html');
  await writeFile(path, reportPage(data, await pageAssets()).html);

  const page = await browser.newPage();
  const faults: string[] = [];
  page.on('console', (message) => faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith('file:') || request.resourceType() !== 'document') {
      faults.push(`request of ${request.url()}`);
    }
  });
  await page.goto(pathToFileURL(path).href + fragment);
  onTestFinished(async () => {
    await page.close();
    expect(faults).toEqual([]);
  });
  await page.locator('main').waitFor();
  return page;
}

const someTasks = [
  ...history(1n, '订单金额一致性校验', 'SSSSSSAA'),
  ...history(2n, hostileName, 'SSFSSSSS'),
  ...history(3n, 'dim_store/null_check', 'SSSS', 'ws2'),
];

let defined: Promise<WholeReport> | undefined;

/** A report of tasks whose definitions and results are known. */
function definedTasks(): Promise<WholeReport> {
  defined ??= makeDefinedTasks();
  return defined;
}

async function makeDefinedTasks(): Promise<WholeReport> {
  const world = await syncedSource();
  world.sim.life.addMany(60, { fromMs: world.clock.now() - 20 * hourMs, toMs: world.clock.now() - hourMs, tasks: 5 });
  await world.syncWell({ tasks: true, results: 'all' });
  const target = { ...defaultWorkspace, name: 'sales', watermarkMs: world.clock.now(), ...noFlaws };
  const definitions = await readDefinitions(world.store, [target]);
  const request = { nowMs: world.clock.now(), timeZone: 'UTC', days: 2, targets: [target], definitions };
  return await readReport(await opened(world.store), request);
}

/** The text of an element as it is shown. */
const textOf = async (locator: Locator): Promise<string> => (await locator.allInnerTexts())[0] ?? '';

/** Texts of the first cells of a section's rows. */
const namesIn = (page: Page, section: string): Promise<string[]> =>
  page.locator(`#${section} .opener .task > bdi:first-child`).allTextContents();

/** Returns texts whose contrast with their background is below 4.5, which is WCAG's level AA. Runs in the browser. */
const lowContrasts = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const channels = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return { rgb: [red, green, blue], alpha: alpha / 255 };
  };
  const over = ({ rgb, alpha }, below) => rgb.map((value, index) => value * alpha + below[index] * (1 - alpha));
  const light = (value) => (value <= 10 ? value / 3294 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([red, green, blue]) => 0.2126 * light(red) + 0.7152 * light(green) + 0.0722 * light(blue);
  const backgroundOf = (element) => {
    const color = channels(getComputedStyle(element).backgroundColor);
    return color.alpha === 1 ? color.rgb : over(color, backgroundOf(element.parentElement));
  };
  const found = new Set();
  const texts = document.createTreeWalker(document.getElementById('report'), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() === '' || element.getClientRects().length === 0 || element.closest('.hidden')) {
      continue;
    }
    const style = getComputedStyle(element);
    const background = backgroundOf(element.closest('svg')?.parentElement ?? element);
    const color = channels(element.closest('svg') && style.fill !== 'none' ? style.fill : style.color);
    const opacity = color.alpha * Number(style.opacity);
    const [most, least] = [luminance(over({ ...color, alpha: opacity }, background)), luminance(background)].sort((a, b) => b - a);
    const ratio = (most + 0.05) / (least + 0.05);
    if (ratio < 4.5) {
      found.add(element.className + ' ' + texts.currentNode.data.trim() + ' ' + ratio.toFixed(2));
    }
  }
  return [...found];
})()`;

describe.skipIf(executablePath === null)('the report in a browser', () => {
  it('starts with the failures of the last 24 hours, new ones before recovered ones', async () => {
    const page = await aPage(someTasks);
    expect(await namesIn(page, 'night')).toEqual(['订单金额一致性校验', hostileName]);
    expect(await textOf(page.locator('#night tbody tr').first())).toMatch(/New\s+▲ Alarm\s+Feb 10, 10:00\s+2\s+2 of 8/);
    expect(await page.locator('main > section').first().getAttribute('id')).toBe('night');
    expect(await page.locator('svg').count()).toBe(3);
  });

  it('shows a name that looks like markup as text, and runs none of it', async () => {
    const page = await aPage(someTasks);
    expect(await page.title()).toBe('Data quality report');
    expect(await page.locator('img').count()).toBe(0);
    await page.getByRole('button', { name: hostileName }).first().click();
    expect(await page.title()).toBe('Data quality report');
  });

  it('opens a row to its executions, by mouse and by keyboard', async () => {
    const page = await aPage(someTasks);
    const opener = page.locator('#night .opener').first();
    await opener.focus();
    await page.keyboard.press('Enter');
    expect(await opener.getAttribute('aria-expanded')).toBe('true');
    const executions = page.locator('#night .executions tbody tr');
    expect(await executions.count()).toBe(8);
    expect(await textOf(executions.first())).toMatch(/2026-02-10T11:00:00Z\s+▲ Alarm\s+1 min\s+Not triggered\s+1007/);
    await page.locator('#night tbody tr.opens').first().click();
    expect(await executions.first().isVisible()).toBe(false);
  });

  it('filters by text, workspace and status', async () => {
    const page = await aPage(someTasks);
    await page.getByRole('button', { name: /^All / }).click();
    expect(await namesIn(page, 'tasks')).toHaveLength(3);
    await page.getByLabel('Find tasks').fill('订单');
    expect(await namesIn(page, 'tasks')).toEqual(['订单金额一致性校验']);
    expect(await textOf(page.locator('.tile').first())).toContain('of 1 task');
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByLabel('Workspace').selectOption('stock');
    expect(await namesIn(page, 'tasks')).toEqual(['dim_store/null_check']);
    await page.getByLabel('Status').selectOption('Not passing now');
    expect(await namesIn(page, 'tasks')).toEqual([]);
    expect(await textOf(page.locator('#tasks .table-note'))).toBe('No such tasks.');
  });

  it('sorts by a column and shows the order', async () => {
    const page = await aPage(someTasks);
    await page.getByRole('button', { name: /^All / }).click();
    const head = page.locator('#tasks th', { hasText: /^Runs$/ }).first();
    await head.getByRole('button').click();
    expect(await head.getAttribute('aria-sort')).toBe('descending');
    await head.getByRole('button').click();
    expect(await head.getAttribute('aria-sort')).toBe('ascending');
    expect(await namesIn(page, 'tasks')).toEqual(['dim_store/null_check', expect.any(String), expect.any(String)]);
  });

  it('counts failures by what the rules check, and names the rules of a task and what they found', async () => {
    const data = await definedTasks();
    const page = await pageOf(data);
    const tables = new Set(data.tasks.flatMap(({ rules }) => rules.map(({ table }) => table)));
    expect(new Set(await page.locator('#groups td:first-child bdi').allTextContents())).toEqual(tables);
    await page.getByRole('button', { name: 'By dimension' }).click();
    expect(await textOf(page.locator('#groups tbody'))).toMatch(/Completeness|Uniqueness|Validity|Accuracy|Timeliness/);
    await page.getByRole('button', { name: /^All / }).click();
    await page.locator('#tasks .opener').first().click();
    expect(await textOf(page.locator('#tasks .facts'))).toMatch(/\d+ rules?/);
    await page.getByRole('button', { name: /^Failing most/ }).click();
    await page.locator('#tasks .opener').first().click();
    const failing = data.tasks.toSorted((a, b) => b.alarms + b.failed - a.alarms - a.failed)[0];
    const [newest] = failing?.findings ?? [];
    expect(newest).toBeDefined();
    const finding = await textOf(page.locator('#tasks .findings li').first());
    for (const text of [newest?.rule, newest?.object, newest?.metrics, newest?.condition]) {
      expect(finding).toContain(text);
    }
  });

  it('shows who created a task and how severe it is, and finds tasks by that', async () => {
    const data = await definedTasks();
    const page = await pageOf(data);
    const { creator, level, schedule } = data.tasks[0]!;
    await page.getByRole('button', { name: /^All / }).click();
    await page.getByLabel('Find tasks').fill(`${creator} ${level.toLowerCase()}`);
    const found = data.tasks.filter((task) => task.creator === creator && task.level === level);
    expect(await namesIn(page, 'tasks')).toHaveLength(found.length);
    expect(found.length).toBeLessThan(data.tasks.length);
    await page.locator('#tasks .opener').first().click();
    const facts = await textOf(page.locator('#tasks .facts'));
    for (const text of [`Level\n${level}`, `Created by\n${creator}`, `Schedule\n${schedule}`]) {
      expect(facts).toContain(text);
    }
    expect(await page.getByLabel('Workspace').count()).toBe(0);
  });

  it('labels the figures of every table on a narrow screen, and does not scroll sideways', async () => {
    const page = await pageOf(await definedTasks());
    await page.setViewportSize({ width: 400, height: 800 });
    for (const section of ['night', 'incidents', 'tasks', 'groups']) {
      // Text, because the tests are compiled without the types of a browser.
      const label = await page.evaluate(
        `getComputedStyle(document.querySelector('#${section} tbody .number'), '::before').content`,
      );
      expect(label, section).not.toBe('none');
    }
    const { scrollWidth, clientWidth } = await page.evaluate<{ scrollWidth: number; clientWidth: number }>(
      '(({ scrollWidth, clientWidth }) => ({ scrollWidth, clientWidth }))(document.documentElement)',
    );
    expect(scrollWidth).toBe(clientWidth);
  });

  it('warns about a target that is behind, and shows times in the configured zone', async () => {
    const page = await aPage(someTasks, 'Asia/Shanghai');
    const [sales, stock] = await page
      .locator('.target')
      .allInnerTexts()
      .then((texts) => texts.toSorted());
    expect(sales).toMatch(
      /^! stock\s+Complete up to Feb 10, 11:00, 9 h behind.*\s+No gaps in 30 days\s+Audited Feb 10, 10:00: 30 days equal to the source, 2 late rows added/,
    );
    expect(stock).toMatch(/^✓ sales\s+Complete up to Feb 10, 20:00\s+No gaps in 30 days/);
    expect(await textOf(page.locator('.about').last())).toContain('Asia/Shanghai (UTC+08:00)');
  });

  it.each([[[]], [['third', 'fourth']]])(
    'states that there are no gaps only for the time since coverage began: with further targets %j',
    async (more) => {
      const page = await aPage(someTasks, 'Asia/Shanghai', { knownFromMs: nowMs - 4 * 24 * hourMs }, more);
      const said = await page.locator('.target').allInnerTexts();
      expect(said.length).toBeGreaterThan(1);
      for (const text of said) {
        expect(text).toMatch(/No gaps since Feb 6, 20:00; nothing is known of the days before/);
      }
    },
  );

  it('shows that nothing failed, and that the table is empty', async () => {
    const fine = await aPage(history(1n, 'rule', 'SSSS'));
    expect(await textOf(fine.locator('#night .table-note'))).toContain(
      'Every run of the last 24 hours that has ended passed',
    );
    const empty = await aPage([]);
    expect(await textOf(empty.locator('.notice'))).toContain('has no executions from 2026-01-12 to 2026-02-10');
  });

  it.each([
    ['no execution', ''],
    ['only executions that passed', 'SSSS'],
    ['only executions that are running', 'RR'],
  ])('draws no bar for a day without failures: with %s', async (_, letters) => {
    const page = await aPage(history(1n, 'rule', letters));
    const heights = await page.evaluate<number[]>(
      `[...document.querySelectorAll('#rates [aria-label="bar"] rect')].map((bar) => Number(bar.getAttribute('height')))`,
    );
    expect(heights.filter((height) => height > 0)).toEqual([]);
  });

  it('labels counts of failures with whole numbers', async () => {
    const page = await aPage(history(1n, 'rule', 'SSFA'));
    const labels = await page
      .locator('#rates svg')
      .last()
      .locator('[aria-label^="y-axis tick label"] text')
      .allTextContents();
    expect(labels).toEqual(['0', '1', '2']);
  });

  it.each([
    ['no execution', [], 'No run has ended in these days.', 'No run has started in these days.'],
    ['running ones', history(1n, 'rule', 'RR'), 'No run has ended in these days.', ''],
  ])('gives the reason for an empty chart: with %s', async (_, rows, ofRates, ofSchedule) => {
    const page = await aPage(rows);
    expect(await page.locator('#rates .empty').allTextContents()).toEqual([ofRates]);
    expect(await page.locator('#schedule .empty').allTextContents()).toEqual(ofSchedule === '' ? [] : [ofSchedule]);
    expect(await textOf(page.locator('#night .table-note'))).toBe('No run of the last 24 hours has ended.');
  });

  it('scrolls to the section that its URL names', async () => {
    const page = await pageOf(await aReport(someTasks), '#tasks');
    expect(await page.evaluate(`document.querySelector('#tasks').getBoundingClientRect().top < innerHeight`)).toBe(
      true,
    );
  });

  it.each(['light', 'dark'] as const)(
    'has a contrast of at least 4.5 for every text in the %s theme',
    async (theme) => {
      const page = await aPage([...someTasks, ...history(4n, 'unstable', 'SASFSASFFS')], 'UTC', { gaps: 1, gapsMs: 1 });
      await page.emulateMedia({ colorScheme: theme });
      for (const opener of await page.locator('#night .opener').all()) {
        await opener.click();
      }
      await page.mouse.move(0, 0);
      expect(await page.evaluate<string[]>(lowContrasts)).toEqual([]);
    },
  );

  it('follows the theme of the browser, and prints in the light one', async () => {
    const page = await aPage(someTasks);
    const background = `getComputedStyle(document.querySelector('.tile')).backgroundColor`;
    expect(await page.evaluate(background)).toBe('rgb(255, 255, 255)');
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await page.evaluate(background)).toBe('rgb(23, 27, 33)');
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await page.evaluate(background)).toBe('rgb(255, 255, 255)');
  });

  it('moves the focus to the first row that "Show more" adds', async () => {
    const page = await aPage(
      Array.from({ length: 20 }, (_, index) => history(BigInt(index + 1), `rule ${index}`, 'SF')).flat(),
    );
    await page.locator('#night .table-note button').focus();
    await page.keyboard.press('Enter');
    const focused = await page.evaluate('document.activeElement.textContent.slice(0, 40)');
    expect(focused).toBe((await page.locator('#night .opener').allTextContents())[12]);
  });

  it('orders tasks by the view that was chosen last, not by a column chosen before', async () => {
    const page = await aPage(someTasks);
    await page
      .locator('#tasks th', { hasText: /^Task$/ })
      .getByRole('button')
      .click();
    await page.getByRole('button', { name: /^All / }).click();
    expect(await page.locator('#tasks [aria-sort="ascending"], #tasks [aria-sort="descending"]').count()).toBe(0);
  });

  it('does not hide the focused control under the filters', async () => {
    const page = await aPage(
      Array.from({ length: 20 }, (_, index) => history(BigInt(index + 1), `rule ${index}`, 'SF')).flat(),
    );
    await page.locator('#tasks .opener').last().focus();
    for (let presses = 0; presses < 50; presses += 1) {
      await page.keyboard.press('Shift+Tab');
      const isHidden = await page.evaluate(`(() => {
        const { top, bottom } = document.activeElement.getBoundingClientRect();
        const filters = document.querySelector('.filters');
        return !filters.contains(document.activeElement) && top < filters.getBoundingClientRect().bottom && bottom > 0;
      })()`);
      expect(isHidden).toBe(false);
    }
  });

  it.each([768, 400])(
    'shows in each view of the tasks the figure that it is ordered by, %i pixels wide',
    async (width) => {
      const page = await aPage(someTasks);
      await page.setViewportSize({ width, height: 800 });
      await page.getByRole('button', { name: /^Slowest/ }).click();
      const cell = page.locator('#tasks [data-label="95 % within"]').first();
      const box = await cell.boundingBox();
      expect(box).not.toBeNull();
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThan(width);
    },
  );

  it('shows by how much a task has become slower, and for how long another has not run', async () => {
    const data = await aReport(someTasks);
    const [slower, stopped, fine] = data.tasks;
    const tasks = [
      { ...slower!, p50Ms: 40_000, slowdown: 4, slowerMs: 30_000 },
      { ...stopped!, slowdown: 1.1, slowerMs: 6_000, stoppedMs: 51 * hourMs },
      fine!,
    ];
    const page = await pageOf({ ...data, tasks });
    await page.getByRole('button', { name: /^Slowing/ }).click();
    expect(await page.locator('#tasks [data-label="Median"]').allInnerTexts()).toEqual(['40 s\n× 4.0']);
    await page.getByRole('button', { name: /^Stopped/ }).click();
    expect(await page.locator('#tasks [data-label="Median"] small').count()).toBe(0);
    expect(await page.locator('#tasks [data-label="Last run"] small').allInnerTexts()).toEqual(['none for 2 d 3 h']);
  });

  it.each([
    ['SFSFSFSS', 'Flapping: at least 6 changes between passed and not passed in its last 30 runs.'],
    ['SSA', 'Silent alarm: an alarm of the last 24 hours without a delivered notification.'],
    ['SSS', ''],
  ])('explains the remarks beside the names of tasks in visible words: %s', async (letters, explained) => {
    const page = await aPage(history(1n, 'rule', letters));
    const remark = await textOf(page.locator('#night .remark'));
    expect(remark).toBe(`Up to Feb 10, 12:00. Select a task to see its runs. ${explained}`.trim());
  });

  it('shows that a task was deleted, and that its incident is over', async () => {
    const data = await aReport([
      ...history(1n, 'rule', 'SAAS'),
      ...history(2n, 'old', 'SSSF'),
      ...history(3n, 'gone', 'SFSS'),
    ]);
    const tasks = data.tasks.map((task) => ({ ...task, isDeleted: task.name !== 'rule' }));
    const page = await pageOf({ ...data, tasks });
    const rows = await page.locator('#night tbody .row').allInnerTexts();
    expect(rows.map((text) => text.replaceAll(/\s+/g, ' '))).toEqual([
      expect.stringMatching(/^rule .*Recovered ✓ Passed/),
      expect.stringMatching(/^old deleted Deleted ✕ Failed/),
      expect.stringMatching(/^gone deleted Deleted ✓ Passed/),
    ]);
    const incident = await textOf(page.locator('#incidents tbody .row', { hasText: 'old' }));
    expect(incident.replaceAll(/\s+/g, ' ')).toMatch(/Failed Feb 10, 11:00 task deleted 0 s 1$/);
    await page.getByLabel('Status').selectOption('Failed now');
    expect(await namesIn(page, 'night')).toEqual([]);
    await page.getByLabel('Status').selectOption('Passing now');
    expect(await namesIn(page, 'night')).toEqual(['rule']);
  });

  it('shows no negative length of an incident that begins in the future, by the clock of the source', async () => {
    const page = await aPage([anObservation({ runStatus: 'FAILED', startTimeMs: nowMs + hourMs })]);
    expect(await textOf(page.locator('#incidents tbody .row'))).toMatch(/\s0 s so far\s/);
  });

  it('counts tasks without a row in the figures at the top, unless a filter leaves them out', async () => {
    const data = await aReport(someTasks);
    const page = await pageOf({ ...data, tasks: data.tasks.slice(0, 1), incidents: [] });
    const figures = async () => (await page.locator('.tile').allInnerTexts()).map((text) => text.replaceAll('\n', ' '));
    expect(data.tasks).toHaveLength(3);
    expect((await figures())[0]).toBe('Not passing now 1 of 3 tasks · 1 new in 24 h');
    expect((await figures())[1]).toBe('Passed, last 24 h 85.0 % 85.0 % over all days');
    await page.getByLabel('Find tasks').fill('订单');
    expect((await figures())[1]).toBe('Passed, last 24 h 75.0 % 75.0 % over all days');
  });

  it('says how many of its rules a task shows, and that the others are not counted', async () => {
    const data = await definedTasks();
    const [task] = data.tasks.filter(({ rules }) => rules.length > 0);
    const page = await pageOf({ ...data, tasks: [{ ...task!, rulesInAll: 25 }], incidents: [] });
    await page.getByRole('button', { name: /^All / }).click();
    await page.locator('#tasks .opener').first().click();
    expect(await textOf(page.locator('#tasks .facts'))).toContain(`${task!.rules.length} of 25 rules`);
    expect(await textOf(page.locator('#groups .remark'))).toContain(
      'Only the first 10 rules of each task are counted.',
    );
  });

  it.each([
    ['2026-01-12', 'UTC+01:00'],
    ['2025-10-20', 'UTC+02:00, then UTC+01:00'],
  ])('names the offset of the zone, and that the clocks have changed: from %s', async (firstDay, expected) => {
    const data = await aReport(someTasks);
    const page = await pageOf({ ...data, timeZone: 'Europe/Berlin', days: [firstDay, ...data.days.slice(1)] });
    expect(await textOf(page.locator('.about').last())).toContain(`Europe/Berlin (${expected})`);
  });

  it('prints more rows than it shows', async () => {
    const page = await aPage(
      Array.from({ length: 20 }, (_, index) => history(BigInt(index + 1), `rule ${index}`, 'SF')).flat(),
    );
    expect(await namesIn(page, 'night')).toHaveLength(12);
    await page.evaluate('dispatchEvent(new Event("beforeprint"))');
    expect(await namesIn(page, 'night')).toHaveLength(20);
    await page.evaluate('dispatchEvent(new Event("afterprint"))');
    expect(await namesIn(page, 'night')).toHaveLength(12);
  });

  it('prints the newest of the last runs on paper of A4, because nothing is cut off', async () => {
    const name = 'dwd_inventory_snapshot_hi/row_count_day_over_day #33';
    const page = await aPage(history(1n, name, 'SA'.repeat(15), workspace));
    await page.emulateMedia({ media: 'print' });
    await page.setViewportSize({ width: 718, height: 1000 });
    const cutOff = `[...document.querySelectorAll('.scroll')].filter((part) => part.scrollWidth > part.clientWidth).length`;
    expect(await page.evaluate(cutOff)).toBe(0);
  });

  it('counts the incidents that are not listed as it counts those that are', async () => {
    const data = await aReport(someTasks);
    const [incident] = data.incidents;
    const page = await pageOf({ ...data, incidents: Array.from({ length: 1_143 }, () => incident!) });
    expect(await textOf(page.locator('#incidents .remark'))).toContain('Of 1,143 incidents, 1,000 are listed.');
    expect(await textOf(page.locator('#incidents .table-note'))).toMatch(/^10 of 1,000 listed incidents/);
  });
});
