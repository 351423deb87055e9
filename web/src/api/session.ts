import { useSyncExternalStore } from 'react';
import type { AuthResponse } from './types';
import { problemFrom } from './problem';

/**
 * The session of this tab. The bearer token lives here, in memory only; an HttpOnly cookie
 * renews it after a reload. `expired` means: the page stays, a dialog asks to sign in again.
 */
export type SessionState =
  | { status: 'loading' | 'anonymous' }
  | { status: 'signed-in' | 'expired'; token: string; username: string };

const path = '/api/console/session';
let state: SessionState = { status: 'loading' };
let waiting: ((signedIn: boolean) => void)[] = [];
let renewing: Promise<boolean> | undefined;
const listeners = new Set<() => void>();

function set(next: SessionState) {
  state = next;
  listeners.forEach((listener) => listener());
}

/** Calls the listener after every change of the state; returns the function that stops it. */
export function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The state, re-rendering when it changes. */
export function useSession(): SessionState {
  return useSyncExternalStore(subscribe, () => state);
}

/** The state now. */
export function session(): SessionState {
  return state;
}

/** The token to send, if any. */
export function bearer(): string | undefined {
  return 'token' in state ? state.token : undefined;
}

/** Takes over a successful answer of sign-in, sign-up or setup, and wakes calls that waited. */
export function accept(answer: AuthResponse): void {
  set({ status: 'signed-in', token: answer.accessToken, username: answer.user.username });
  settle(true);
}

/** Signs in with a password. Throws a Problem. */
export async function signIn(account: string, password: string): Promise<void> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ account, password }),
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw problemFrom(response, body, 'console');
  accept(body as AuthResponse);
}

/** Signs out here and on the server. */
export async function signOut(): Promise<void> {
  await fetch(path, { method: 'DELETE' });
  set({ status: 'anonymous' });
  settle(false);
}

/** On page load: is there a session behind the cookie? */
export async function restore(): Promise<void> {
  if (!(await renew()) && state.status === 'loading') set({ status: 'anonymous' });
}

/**
 * After a 401: renews the token from the cookie; failing that, asks to sign in over the page
 * and waits. False when the person gives up; then the call fails as unauthorised.
 */
export async function reauthenticate(): Promise<boolean> {
  if (await renew()) return true;
  if (!('token' in state)) return false;
  set({ ...state, status: 'expired' });
  return new Promise((resolve) => waiting.push(resolve));
}

/** The person closed the sign-in dialog. */
export function giveUp(): void {
  set({ status: 'anonymous' });
  settle(false);
}

function renew(): Promise<boolean> {
  renewing ??= requestRenewal().finally(() => (renewing = undefined));
  return renewing;
}

async function requestRenewal(): Promise<boolean> {
  try {
    const response = await fetch(path);
    if (!response.ok) return false;
    accept((await response.json()) as AuthResponse);
    return true;
  } catch {
    return false;
  }
}

function settle(signedIn: boolean) {
  const calls = waiting;
  waiting = [];
  calls.forEach((resolve) => resolve(signedIn));
}
