/** Test data with defaults, so that a test states only what it is about. */
import type { Execution, Observation } from '../../functions/model.ts';

/** 2026-01-01T00:00:00Z. */
export const newYearMs = 1_767_225_600_000;

/** Returns an execution that succeeded within a minute. */
export function anExecution(parts: Partial<Execution> = {}): Execution {
  return {
    id: 1_180_000_000_000_000_001n,
    name: 'rule_orders_not_null',
    taskId: 1_170_000_000_000_000_001n,
    taskType: 'QUALITY_TASK',
    runStatus: 'SUCCESS',
    notifyStatus: 'NOT_TRIGGERED',
    startTimeMs: newYearMs,
    endTimeMs: (parts.startTimeMs ?? newYearMs) + 60_000,
    extra: null,
    ...parts,
  };
}

/** Returns an observation of such an execution, five minutes after its start. */
export function anObservation(parts: Partial<Observation> = {}): Observation {
  return {
    ...anExecution(parts),
    workspace: '9f2e4d6d5c0a4f0e8f3c1b2a7d9e0f11',
    projectId: '0b1c2d3e4f5061728394a5b6c7d8e9f0',
    observedAtMs: (parts.startTimeMs ?? newYearMs) + 300_000,
    runId: '20260101T000500Z-00000001',
    ...parts,
  };
}
