import { expect, it } from 'vitest';
import { ticks, timelineOf } from './timeline';

const at = (ms: number) => new Date(Date.parse('2026-03-01T00:00:00Z') + ms).toISOString();
const now = Date.parse(at(60_000));

it('lays attempts on one axis from the arrival of the request', () => {
  const timeline = timelineOf(
    {
      createdAt: at(0),
      finishedAt: at(3000),
      attempts: [
        { attemptNo: 1, startedAt: at(20), finishedAt: at(520) },
        { attemptNo: 2, startedAt: at(600), finishedAt: at(3000), ttftMs: 400 },
      ],
    },
    now,
  )!;
  expect(timeline.span).toBe(3000);
  expect(timeline.queued).toBe(20);
  expect(timeline.bars.map((bar) => bar.segments)).toEqual([
    [{ phase: 'whole', from: 20, to: 520 }],
    [
      { phase: 'wait', from: 600, to: 1000 },
      { phase: 'stream', from: 1000, to: 3000 },
    ],
  ]);
});

it('lets a running attempt grow to now, without claiming a length', () => {
  const task = { createdAt: at(0), attempts: [{ startedAt: at(0) }] };
  const timeline = timelineOf(task, Date.parse(at(500)))!;
  expect(timeline.span).toBe(500);
  expect(timeline.bars[0]!.ms).toBeUndefined();
});

it('draws nothing when nothing was recorded', () => {
  expect(timelineOf({ createdAt: at(0), attempts: [] }, now)).toBeUndefined();
  expect(timelineOf({}, now)).toBeUndefined();
});

it('marks the axis roundly', () => {
  expect(ticks(3000)).toEqual([0, 1000, 2000]);
  expect(ticks(840)).toEqual([0, 200, 400, 600]);
  expect(ticks(1).length).toBeGreaterThan(0);
});
