import { expect, it } from 'vitest';
import { chargeText, totalMs } from './task';

const zero = { responseDurationMs: 0, finalChargeAmountText: '0' };

it('does not take the zeros of a running task for results', () => {
  expect(totalMs({ ...zero, status: 'running' })).toBeUndefined();
  expect(chargeText({ ...zero, status: 'queued' })).toBeUndefined();
});

it('keeps the zeros of a finished task', () => {
  expect(totalMs({ ...zero, status: 'failed' })).toBe(0);
  expect(chargeText({ ...zero, status: 'failed' })).toBe('0');
});
