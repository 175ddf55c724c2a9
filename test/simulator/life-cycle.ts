/**
 * Adds, finishes, notifies, re-runs and removes executions of the simulated source.
 *
 * Every change takes effect now, by the simulator's clock, so that the next request sees it.
 */
import type { EpochMs } from '../../functions/model.ts';
import { floorTo } from './grain.ts';
import { generateHistory, type HistoryOptions } from './history.ts';
import { Listing } from './listing.ts';
import type { SimulatorClock } from './movable-clock.ts';
import { makeTasks } from './names.ts';
import { type Random, seededRandom } from './random.ts';
import { creationOf, idsPerMillisecond, snowflakeText } from './snowflake.ts';
import { grainOf, type Spread, startTimes } from './spread.ts';
import { type SimulatedTask, TaskBook } from './task-book.ts';
import { changeState, type Entry, makeEntry, makeTask, type State, type Task } from './timeline.ts';
import { type UnreadableKind, unreadableText } from './unreadable.ts';

/** An execution to be added. */
export interface NewExecution {
  /** Default: the first workspace. */
  readonly workspace?: string;
  /** Default: made from the start time; see snowflake.ts. A JS number cannot hold it. */
  readonly id?: bigint;
  readonly name?: string;
  readonly taskType?: string;
  /** Default: a new task with `name` and `taskType`. */
  readonly task?: SimulatedTask;
  /** Default: the last whole second. */
  readonly startTimeMs?: EpochMs;
  /** Default SUCCESS. */
  readonly runStatus?: string;
  /** Default NOT_TRIGGERED. */
  readonly notifyStatus?: string | null;
  /** Default: null for RUNNING, SUSPENDING and UNKNOWN, else five seconds after the start. */
  readonly endTimeMs?: EpochMs | null;
  /** The time from which it is listed. Default: its start. */
  readonly visibleAtMs?: EpochMs;
  /** All states, ordered by `atMs`, instead of `runStatus`, `notifyStatus` and `endTimeMs`. */
  readonly states?: readonly State[];
}

/** Many settled executions at the same time. */
export interface ManyExecutions extends Spread {
  readonly workspace?: string;
  /** The tasks they belong to, or the number of new ones. Default 50. */
  readonly tasks?: number | readonly SimulatedTask[];
  /** Longest time between creation and start, in either direction. Default: see `creationOf`. */
  readonly creationSpreadMs?: number;
}

/** The key of an execution. */
export interface ExecutionKey {
  readonly id: bigint;
  readonly startTimeMs: EpochMs;
}

/** Changes the workspaces of a simulator. */
export class LifeCycle {
  readonly #clock: SimulatorClock;
  readonly #random: Random;
  readonly #seed: number;
  readonly #listings: ReadonlyMap<string, Listing>;
  readonly #tasks: ReadonlyMap<string, TaskBook>;
  #idCount = 0;
  #taskCount = 0;

  constructor(clock: SimulatorClock, seed: number, workspaces: readonly string[]) {
    this.#clock = clock;
    this.#seed = seed;
    this.#random = seededRandom(seed, 2);
    this.#listings = new Map(workspaces.map((workspace) => [workspace, new Listing()]));
    this.#tasks = new Map(workspaces.map((workspace, index) => [workspace, new TaskBook(seed + index)]));
  }

  /** Returns the current rows of a workspace. Throws for an unknown one. */
  listingOf(workspace: string): Listing {
    return this.#listing(workspace);
  }

  /** Returns the tasks of a workspace (default: the first). Throws for an unknown one. */
  tasks(workspace?: string): TaskBook {
    const name = workspace ?? [...this.#tasks.keys()][0];
    const tasks = name === undefined ? undefined : this.#tasks.get(name);
    if (tasks === undefined) {
      throw new Error(`the simulator has no workspace ${name}`);
    }
    return tasks;
  }

  /** Adds a task that has not run yet. `everyMs` is its stated schedule, and starts no executions. */
  addTask(
    fields: {
      readonly name?: string;
      readonly taskType?: string;
      readonly everyMs?: number;
      readonly rules?: number;
      readonly workspace?: string;
    } = {},
  ): SimulatedTask {
    const task = this.#newTask(fields.name ?? 'dwd_orders/null_check', fields.taskType ?? 'QUALITY_TASK');
    return this.tasks(fields.workspace).define({ ...task, everyMs: fields.everyMs ?? null }, fields.rules);
  }

  /** Returns the current rows of a workspace; undefined for an unknown one. */
  listing(workspace: string): Listing | undefined {
    const listing = this.#listings.get(workspace);
    listing?.advance(this.#clock.now());
    return listing;
  }

  /** Adds one execution. */
  addExecution(fields: NewExecution = {}): ExecutionKey {
    const startTimeMs = fields.startTimeMs ?? floorTo('second', this.#clock.now());
    const entry = makeEntry({
      idText: fields.id === undefined ? this.#nextId(startTimeMs) : String(fields.id),
      startTimeMs,
      task: fields.task?.task ?? this.#newTask(fields.name ?? 'null_check', fields.taskType ?? 'QUALITY_TASK'),
      states: fields.states ?? [settledState(fields, startTimeMs)],
      visibleAtMs: fields.visibleAtMs ?? startTimeMs,
    });
    this.#listing(fields.workspace).add([entry], this.#clock.now());
    return { id: BigInt(entry.idText), startTimeMs };
  }

  /**
   * Adds an execution that started `agoMs` ago and is listed from now. Its start is rounded up to a whole second, so
   * that it is not older than requested, or down if the next second is in the future.
   */
  addLate(agoMs: number, fields: NewExecution = {}): ExecutionKey {
    const nowMs = this.#clock.now();
    const nextSecondMs = Math.ceil((nowMs - agoMs) / 1_000) * 1_000;
    const startTimeMs = nextSecondMs > nowMs ? floorTo('second', nowMs - agoMs) : nextSecondMs;
    return this.addExecution({ ...fields, startTimeMs, visibleAtMs: nowMs });
  }

  /** Adds an execution that is listed now although it starts `aheadMs`, rounded up to a second, in the future. */
  addFutureDated(aheadMs: number, fields: NewExecution = {}): ExecutionKey {
    const nowMs = this.#clock.now();
    const startTimeMs = Math.ceil((nowMs + aheadMs) / 1_000) * 1_000;
    return this.addExecution({ ...fields, startTimeMs, visibleAtMs: nowMs });
  }

  /** Adds `count` settled executions. A million take about two seconds. */
  addMany(count: number, spread: ManyExecutions): void {
    const { tasks: given = 50 } = spread;
    const tasks = typeof given === 'number' ? makeTasks(this.#random, given) : given.map(({ task }) => task);
    const grain = grainOf(spread);
    const entries = startTimes(count, spread).map((startTimeMs, index) => {
      const luck = this.#random.next();
      const runStatus = luck < 0.9 ? 'SUCCESS' : luck < 0.97 ? 'ALARMING' : 'FAILED';
      const notifyStatus = luck < 0.9 ? 'NOT_TRIGGERED' : luck < 0.99 ? 'SUCCESS' : 'FAILED';
      const endTimeMs = startTimeMs + floorTo(grain, 1_000 + Math.floor(luck * 60_000));
      return makeEntry({
        idText: this.#nextId(startTimeMs, spread.creationSpreadMs),
        startTimeMs,
        task: tasks[index % tasks.length] as Task,
        states: [{ atMs: startTimeMs, runStatus, notifyStatus, endTimeMs }],
        visibleAtMs: startTimeMs,
      });
    });
    this.#listing(spread.workspace).add(entries, this.#clock.now());
  }

  /** Adds days of scheduled executions, in the past and in the future. */
  addHistory(options: HistoryOptions, workspace?: string): void {
    const index = workspace === undefined ? 0 : [...this.#listings.keys()].indexOf(workspace);
    const nowMs = this.#clock.now();
    this.#listing(workspace).add(generateHistory(this.#seed + index, nowMs, options), nowMs);
  }

  /**
   * Adds `copies` of a row that is not an execution at `startTimeMs` (default: the last whole second). Returns its
   * text.
   */
  addUnreadable(
    kind: UnreadableKind | { readonly text: string },
    options: { readonly workspace?: string; readonly startTimeMs?: EpochMs; readonly copies?: number } = {},
  ): string {
    const startTimeMs = options.startTimeMs ?? floorTo('second', this.#clock.now());
    const idText = this.#nextId(startTimeMs);
    const rawText = typeof kind === 'string' ? unreadableText(kind, idText, startTimeMs) : kind.text;
    const task = this.#newTask('unreadable', 'QUALITY_TASK');
    const states = [settledState({}, startTimeMs)];
    const entries = Array.from({ length: options.copies ?? 1 }, () =>
      makeEntry({ idText, startTimeMs, task, states, visibleAtMs: this.#clock.now(), rawText }),
    );
    this.#listing(options.workspace).add(entries, this.#clock.now());
    return rawText;
  }

  /**
   * Runs an instance again. It moves to the last whole second and is RUNNING; the previous execution vanishes. An
   * instance that started after that second moves to the second after its start, so that each execution has its own
   * key.
   */
  rerun(id: bigint, workspace?: string): ExecutionKey {
    return this.#rerun(this.#listing(workspace), this.#listing(workspace).find(id));
  }

  /** Deletes an instance. */
  remove(id: bigint, workspace?: string): void {
    const listing = this.#listing(workspace);
    listing.vanish(listing.find(id), this.#clock.now(), 'removed');
  }

  /** Ends an execution now, with `endTimeMs` (default: the last whole second) as its shown end. */
  finish(id: bigint, runStatus = 'SUCCESS', endTimeMs?: EpochMs, workspace?: string): void {
    const nowMs = this.#clock.now();
    const entry = this.#listing(workspace).find(id);
    const lastSecondMs = Math.max(floorTo('second', nowMs), entry.startTimeMs);
    changeState(entry, nowMs, { runStatus, endTimeMs: endTimeMs ?? lastSecondMs });
  }

  /** Changes the notification status now. */
  setNotify(id: bigint, notifyStatus: string | null, workspace?: string): void {
    changeState(this.#listing(workspace).find(id), this.#clock.now(), { notifyStatus });
  }

  /**
   * Runs again or removes a random execution among those that `workspace` lists in `[from, to)` by index, if there is
   * one.
   */
  disturb(what: 'rerun' | 'remove', workspace: string, from: number, to: number): void {
    const listing = this.#listing(workspace);
    const entry = to > from ? listing.live[this.#random.between(from, to - 1)] : undefined;
    if (entry === undefined || entry.rawText !== null) {
      return;
    }
    if (what === 'rerun') {
      this.#rerun(listing, entry);
    } else {
      listing.vanish(entry, this.#clock.now(), 'removed');
    }
  }

  #rerun(listing: Listing, entry: Entry): ExecutionKey {
    const nowMs = this.#clock.now();
    const lastSecondMs = floorTo('second', nowMs);
    const startTimeMs = entry.startTimeMs >= lastSecondMs ? floorTo('second', entry.startTimeMs) + 1_000 : lastSecondMs;
    listing.vanish(entry, nowMs, 'rerun');
    const states = [settledState({ runStatus: 'RUNNING' }, startTimeMs)];
    listing.add(
      [makeEntry({ idText: entry.idText, startTimeMs, task: entry.task, states, visibleAtMs: nowMs })],
      nowMs,
    );
    return { id: BigInt(entry.idText), startTimeMs };
  }

  #listing(workspace: string | undefined): Listing {
    const name = workspace ?? [...this.#listings.keys()][0];
    const listing = name === undefined ? undefined : this.listing(name);
    if (listing === undefined) {
      throw new Error(`the simulator has no workspace ${name}`);
    }
    return listing;
  }

  #newTask(name: string, taskType: string): Task {
    this.#taskCount += 1;
    return makeTask(snowflakeText(Date.UTC(2025, 0, 1), this.#taskCount % idsPerMillisecond), name, taskType);
  }

  /**
   * Ids of one millisecond are close together, so some are equal as JS numbers. The ids of a history use the lower
   * half.
   */
  #nextId(startTimeMs: EpochMs, spreadMs?: number): string {
    const half = idsPerMillisecond / 2;
    const low = half + (this.#idCount % half);
    this.#idCount += 1;
    return snowflakeText(creationOf(startTimeMs, this.#random, spreadMs), low);
  }
}

function settledState(fields: NewExecution, startTimeMs: EpochMs): State {
  const runStatus = fields.runStatus ?? 'SUCCESS';
  const open = ['RUNNING', 'SUSPENDING', 'UNKNOWN'].includes(runStatus);
  return {
    atMs: startTimeMs,
    runStatus,
    notifyStatus: fields.notifyStatus === undefined ? 'NOT_TRIGGERED' : fields.notifyStatus,
    endTimeMs: fields.endTimeMs === undefined ? (open ? null : startTimeMs + 5_000) : fields.endTimeMs,
  };
}
