import type { Attempt, Task } from '@/api/types';

/** A stretch of an attempt: waiting for the first token, or streaming after it. */
export interface Segment {
  phase: 'wait' | 'stream' | 'whole';
  /** Milliseconds from the start of the request. */
  from: number;
  to: number;
}

export interface Bar {
  attempt: Attempt;
  segments: Segment[];
  /** Length of the attempt; absent while it runs without a known end. */
  ms?: number;
}

export interface Timeline {
  /** Milliseconds that the axis spans. */
  span: number;
  /** Milliseconds from the request's arrival to its first attempt. */
  queued: number;
  bars: Bar[];
}

/** Lays the attempts on one axis that starts when the request came in. Undefined without times. */
export function timelineOf(task: Task, now: number): Timeline | undefined {
  const start = instant(task.createdAt);
  const attempts = task.attempts ?? [];
  if (start === undefined || attempts.length === 0) return undefined;
  const bars = attempts.map((attempt) => barOf(attempt, start, now));
  const end = instant(task.finishedAt) ?? now;
  const lastBar = Math.max(0, ...bars.flatMap((bar) => bar.segments.map((s) => s.to)));
  const first = Math.min(...bars.flatMap((bar) => bar.segments.map((s) => s.from)));
  return { span: Math.max(1, end - start, lastBar), queued: Math.max(0, first), bars };
}

function barOf(attempt: Attempt, start: number, now: number): Bar {
  const from = (instant(attempt.startedAt) ?? start) - start;
  const finished = instant(attempt.finishedAt) ?? instant(attempt.responseFinishedAt);
  const to = Math.max(from, (finished ?? now) - start);
  const ms = finished === undefined ? undefined : to - from;
  if (attempt.ttftMs === undefined)
    return { attempt, ms, segments: [{ phase: 'whole', from, to }] };
  const first = Math.min(to, from + attempt.ttftMs);
  const segments: Segment[] = [
    { phase: 'wait', from, to: first },
    { phase: 'stream', from: first, to },
  ];
  return { attempt, ms, segments };
}

function instant(iso: string | undefined): number | undefined {
  const at = iso ? Date.parse(iso) : NaN;
  return Number.isNaN(at) ? undefined : at;
}

/**
 * Round marks on the axis: at most six, of 1, 2 or 5 times a power of ten milliseconds. The last
 * tenth has none: its label would not fit.
 */
export function ticks(span: number): number[] {
  const rough = span / 5;
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? power * 10;
  const marks = Array.from({ length: Math.floor(span / step) + 1 }, (_, index) => index * step);
  return marks.filter((ms) => ms <= span * 0.9);
}
