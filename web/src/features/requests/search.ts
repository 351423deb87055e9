import { choice, flag, page, pageSize, searchSchema, text } from '@/lib/search';

export const statuses = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;

export const requestsSearch = searchSchema({
  q: text,
  status: choice(statuses as unknown as [string, ...string[]]),
  kind: text,
  model: text,
  key: text,
  from: text,
  sim: flag,
  cols: text,
  page,
  pageSize,
});

export const tabs = ['params', 'route', 'bill', 'ledger', 'events', 'raw'] as const;
export type InspectorTab = (typeof tabs)[number];

/** The first tab is the default and stays out of the URL. */
export const inspectorSearch = searchSchema({
  tab: choice(tabs as unknown as [InspectorTab, ...InspectorTab[]]),
});
