import type { Task } from './types';

/** What a task has come to once it ended. Before that the server's 0 means nothing yet. */

const unfinished = new Set(['queued', 'running']);

export function isFinished(task: Task): boolean {
  return !unfinished.has(task.status ?? '');
}

/** Milliseconds from arrival to end; undefined while it runs. */
export function totalMs(task: Task): number | undefined {
  return isFinished(task) ? task.responseDurationMs : undefined;
}

/** The charge as an exact decimal; undefined while it runs. */
export function chargeText(task: Task): string | undefined {
  return isFinished(task) ? task.finalChargeAmountText : undefined;
}
