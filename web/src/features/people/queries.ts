import { queryOptions } from '@tanstack/react-query';
import { gateway, unwrap } from '@/api/client';
import type { User, WalletAccount } from '@/api/types';
import { jsonWithDecimals } from '@/lib/json';

export const usersQuery = queryOptions({
  queryKey: ['users'],
  queryFn: async ({ signal }) => {
    const answer = await unwrap(gateway.GET('/api/admin/users', { signal }));
    return (answer.items ?? []) as User[];
  },
});

export interface Adjustment {
  userID: string;
  currency: string;
  /** Target balance, exact decimal. */
  target: string;
  reason: string;
  /** One per dialog: a second click is the same adjustment. */
  idempotencyKey: string;
}

/** Sets a balance. Answers what the balance was before and what it is now. */
export async function adjustWallet({ userID, target, ...rest }: Adjustment) {
  const answer = await unwrap(
    gateway.PATCH('/api/admin/users/{userID}/wallet', {
      params: { path: { userID } },
      body: rest,
      bodySerializer: (body) => jsonWithDecimals(body as object, { balance: target }),
    }),
  );
  return { before: answer.before as WalletAccount, account: answer.account as WalletAccount };
}
