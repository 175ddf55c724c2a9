import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../functions/errors.ts';
import { parseEvent } from '../../functions/lambda/event.ts';

const scheduled = {
  version: '0',
  id: '53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account: '123456789012',
  time: '2026-01-01T00:00:00Z',
  region: 'eu-central-1',
  resources: ['arn:aws:events:eu-central-1:123456789012:rule/dqsync'],
  detail: {},
};

describe('the event', () => {
  it.each([
    ['an empty object', {}],
    ["EventBridge's scheduled event", scheduled],
    ["the Scheduler's default event", { ...scheduled, source: 'aws.scheduler', detail: '{}' }],
    ['an explicit incremental run', { mode: 'incremental' }],
  ])('accepts %s as an incremental run of all targets', (_what, event) => {
    expect(parseEvent(event)).toEqual({ mode: 'incremental', targets: undefined });
  });

  it('accepts the names of targets', () => {
    expect(parseEvent({ mode: 'incremental', targets: ['sales', 'stock'] })).toEqual({
      mode: 'incremental',
      targets: ['sales', 'stock'],
    });
  });

  it('accepts the daily maintenance of all or some targets', () => {
    expect(parseEvent({ mode: 'maintain' })).toEqual({ mode: 'maintain', targets: undefined });
    expect(parseEvent({ mode: 'maintain', targets: ['sales'] })).toEqual({ mode: 'maintain', targets: ['sales'] });
  });

  it('accepts a backfill with a range, or without one for the known gaps', () => {
    const range = { from: '2026-01-01', to: '2026-02-01T00:00:00Z' };
    expect(parseEvent({ mode: 'backfill', ...range, targets: ['sales'], again: true })).toEqual({
      mode: 'backfill',
      ...range,
      targets: ['sales'],
      again: true,
      results: false,
    });
    expect(parseEvent({ mode: 'backfill' })).toEqual({ mode: 'backfill', again: false, results: false });
  });

  it.each([
    ['another mode', { mode: 'verify' }, /"mode" must be "incremental", "backfill" or "maintain"/],
    ['a range that is not text', { mode: 'backfill', from: 1_767_225_600_000 }, /"from" must be a day or an instant/],
    ['results that is not boolean', { mode: 'backfill', results: 1 }, /"results" must be true or false/],
    ['again that is not boolean', { mode: 'backfill', again: 'yes' }, /"again" must be true or false/],
    ['a range without backfill', { mode: 'incremental', from: '2026-01-01' }, /unknown key "from"/],
    ['an unknown key', { mode: 'incremental', target: 'sales' }, /unknown key "target"/],
    ['targets without a mode', { targets: ['sales'] }, /"mode" must be "incremental"/],
    ['no names', { mode: 'incremental', targets: [] }, /"targets" must be a list of at least one target name/],
    ['an invalid name', { mode: 'incremental', targets: [7] }, /"targets" must be a list of at least one target name/],
    ['a source without a detail-type', { source: 'aws.events' }, /unknown key "source"/],
    ['a scheduled event with a mode', { ...scheduled, mode: 'maintain' }, /: unknown key "mode"$/],
    ['a scheduled event with a misspelled mode', { ...scheduled, mod: 'backfill' }, /: unknown key "mod"$/],
    ['another event of EventBridge', { ...scheduled, 'detail-type': 'x' }, /"detail-type" must be "Scheduled Event"$/],
    ['no object', 'incremental', /it is not a JSON object/],
    ['null', null, /it is not a JSON object/],
  ])('refuses %s, and shows what is allowed', (_what, event, problem) => {
    let thrown: unknown;
    try {
      parseEvent(event);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ConfigError);
    expect(thrown).toMatchObject({
      message: expect.stringMatching(problem),
      remedy: expect.stringContaining('{"mode":"incremental","targets":["<name>", …]}'),
    });
  });
});
