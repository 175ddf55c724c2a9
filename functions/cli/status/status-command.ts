/** `dqsync status`: shows how far each target is covered, how its last run ended, and what the next one will do. */
import { loadCheckpoint } from '../../checkpoint/checkpoint-store.ts';
import { pendingResultsKind } from '../../checkpoint/results-document.ts';
import { loadRuns } from '../../checkpoint/run-history.ts';
import { loadDocument } from '../../checkpoint/state-document.ts';
import { isoOrNull } from '../../clock.ts';
import type { TargetConfig } from '../../config.ts';
import { type DqsyncError, describeError, toDqsyncError } from '../../errors.ts';
import { settingsOf, targetOf } from '../../sync/targets.ts';
import { readQuarantine } from '../../warehouse/quarantine.ts';
import { paragraph } from '../terminal/formats.ts';
import { type OpenTargets, openTargets, type TargetOptions } from '../terminal/open-targets.ts';
import { paint, writeJson, writeLine } from '../terminal/output.ts';
import { askSourceClock, type SourceClock, withSource } from '../terminal/source-clock.ts';
import { coverageView } from './coverage-timeline.ts';
import { lostState } from './lost-state.ts';
import { describeStatus, type StatusReport } from './status-report.ts';
import { describeStatuses } from './status-table.ts';
import { problemOf, statusOf } from './target-status.ts';

interface StatusOptions extends TargetOptions {
  readonly check?: boolean;
  /** Maximum age of the watermark, in milliseconds. */
  readonly maxAge: number;
  readonly verbose?: boolean;
}

/** Longest wait for the source. The status itself comes from the warehouse. */
const patienceMs = 5_000;

/**
 * Shows the status of every target: one line each, or all details if a target is named or `verbose` is set.
 *
 * @returns 0; 1 if a checkpoint cannot be read, or with `check` if a target is not healthy
 * @throws ConfigError
 */
export async function status(options: StatusOptions): Promise<number> {
  const opened = await openTargets(options);
  const { config, targets } = opened;
  const isTable = targets.length > 1 && options.target.length === 0 && options.verbose !== true;
  const asksSource = options.check === true || options.json === true || !isTable;
  const reports = await Promise.all(targets.map((target) => reportOn(opened, target, asksSource, options.maxAge)));
  const isIll = reports.some(({ problem }) => problem !== null);
  if (options.json) {
    writeJson(reports.map(reportJson));
  } else if (options.check) {
    writeLine(reports.map(describeHealth).join('\n'));
  } else if (isTable) {
    writeLine(describeStatuses(reports));
  } else {
    const place = { warehouse: config.warehouse, nowMs: opened.clock.now() };
    writeLine(reports.map((report) => describeStatus(report, place)).join('\n\n'));
  }
  return reports.some((report) => 'error' in report.status) || (options.check === true && isIll) ? 1 : 0;
}

async function reportOn(
  opened: OpenTargets,
  target: TargetConfig,
  asksSource: boolean,
  maxAgeMs: number,
): Promise<StatusReport> {
  const settings = settingsOf(opened.config);
  const [loaded, source] = await Promise.all([
    orError(() => loadState(opened, target), target),
    asksSource ? orError(() => askSoftly(opened, target), target) : null,
  ]);
  if ('error' in loaded) {
    const problem = { word: 'unreadable' as const, text: describeError(loaded.error) };
    return { target: target.name, problem, status: loaded, coverage: null, source };
  }
  const { checkpoint, lost, ...beside } = loaded;
  const nowMs = opened.clock.now();
  return {
    target: target.name,
    problem:
      lost !== null
        ? { word: 'no state', text: lost }
        : problemOf(checkpoint, nowMs, maxAgeMs, source === null || 'error' in source ? null : source.skewMs),
    status: statusOf(target.name, checkpoint, beside, settings, nowMs),
    coverage: coverageView(checkpoint, settings.initialFromMs),
    source,
  };
}

async function loadState({ config, store }: OpenTargets, target: TargetConfig) {
  const [{ checkpoint, etag }, runs, { rows }, results] = await Promise.all([
    loadCheckpoint({ store, target: targetOf(target), settings: settingsOf(config) }),
    loadRuns(store, target.name),
    readQuarantine(store, target.name),
    loadDocument(store, pendingResultsKind(target.name)),
  ]);
  const lost = etag === null ? await lostState(store, target) : null;
  return { checkpoint, lost, runs, quarantined: rows.length, results: results.value };
}

async function askSoftly(opened: OpenTargets, target: TargetConfig): Promise<SourceClock> {
  return await withSource(opened, target, patienceMs, (source, signal) =>
    askSourceClock(source, targetOf(target).filter, opened.clock).catch((thrown: unknown) => {
      // A source that throttles has replied, with a reason that helps.
      throw signal.aborted ? (source.stats().failing ?? thrown) : thrown;
    }),
  );
}

async function orError<T>(work: () => Promise<T>, target: TargetConfig): Promise<T | { readonly error: DqsyncError }> {
  try {
    return await work();
  } catch (thrown) {
    return { error: toDqsyncError(thrown, target.name) };
  }
}

function describeHealth({ target, problem }: StatusReport): string {
  return problem === null
    ? `${paint.green('✓')} ${paint.bold(target)}  healthy`
    : `${paint.red('✗')} ${paint.bold(target)}  ${paragraph(problem.text)}`;
}

function reportJson({ target, status: known, problem, source }: StatusReport): Readonly<Record<string, unknown>> {
  return {
    ...('error' in known ? { target, ...known } : known),
    healthy: problem === null,
    problem: problem?.text ?? null,
    ...(source === null ? {} : { source: sourceJson(source) }),
  };
}

function sourceJson(source: SourceClock | { readonly error: DqsyncError }): Readonly<Record<string, unknown>> {
  return 'error' in source
    ? source
    : {
        clockSkewMs: source.skewMs,
        futureRows: source.futureRows,
        mayBeMore: source.mayBeMore,
        latestStart: isoOrNull(source.latestStartMs),
      };
}
