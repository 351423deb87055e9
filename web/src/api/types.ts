import type { components as ConsoleComponents } from './generated/console';
import type { components as GatewayComponents } from './generated/gateway';

/** Names of the console for the shapes of both contracts, with the additive fields merged in. */

type G = GatewayComponents['schemas'];
type C = ConsoleComponents['schemas'];

export type Bootstrap = C['Bootstrap'];
export type AuthResponse = C['AuthResponse'];
export type Capabilities = C['Capabilities'];
export type Area = C['Capabilities']['areas'][number];
export type Preferences = C['Preferences'];
export type CallableModel = C['CallableModel'];
export type PriceLine = C['PriceLine'];
export type Adapter = C['Adapter'];
export type AdapterField = C['AdapterField'];
export type PlatformTestInput = C['PlatformTestInput'];
export type PlatformTestReport = C['PlatformTestReport'];
export type PlatformTestStep = C['PlatformTestStep'];
export type PlatformConnectInput = C['PlatformConnectInput'];
export type TaskLedger = C['TaskLedger'];
export type LedgerEntry = C['LedgerEntry'];
export type BillingLine = C['BillingLine'];
export type TaskRoute = C['TaskRoute'];
export type PreprocessingChange = C['PreprocessingChange'];

export type ApiKey = G['store.APIKey'];
export type PlayableKey = G['store.PlayableAPIKey'];
export type Platform = G['store.Platform'];
export type PlatformModel = G['store.PlatformModel'] & C['PlatformModelAdditions'];
export type PreprocessingLog = Omit<G['store.TaskParamPreprocessingLog'], 'changes'> & {
  changes?: PreprocessingChange[];
};

export type Attempt = G['store.TaskAttempt'] & C['TaskAttemptAdditions'];
export type Task = Omit<
  G['store.GatewayTask'] & C['TaskAdditions'],
  'attempts' | 'billings' | 'billingSummary'
> & {
  attempts?: Attempt[];
  billings?: BillingLine[];
  billingSummary?: C['BillingSummary'];
};

export type WalletAccount = G['store.GatewayWalletAccount'] & C['WalletAccountAdditions'];
export type WalletTransaction = G['store.GatewayWalletTransaction'] &
  C['WalletTransactionAdditions'];
export type User = Omit<G['store.GatewayUser'], 'walletAccounts'> & {
  walletAccounts?: WalletAccount[];
};
export type Estimate = G['httpapi.PricingEstimateResponse'];
