import { useEffect } from 'react';
import { ActionIcon, Tabs, Tooltip } from '@mantine/core';
import { IconChevronDown, IconChevronUp } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Task } from '@/api/types';
import { CopyButton } from '@/components/CopyButton';
import { Card, Page } from '@/components/Page';
import { ProblemBanner } from '@/components/ProblemBanner';
import { SimTag } from '@/components/SimTag';
import { Status } from '@/components/Status';
import { onKey } from '@/lib/keys';
import { snippet, type Call } from '@/lib/snippets';
import { BillTab } from './BillTab';
import { EventsTab } from './EventsTab';
import { Headline } from './Headline';
import { LedgerTab } from './LedgerTab';
import { neighbours } from './neighbours';
import { ParamsTab } from './ParamsTab';
import { requestQuery } from './queries';
import { RawTab } from './RawTab';
import { RouteTab } from './RouteTab';
import { tabs, type InspectorTab } from './search';
import { TimelineView } from './TimelineView';
import styles from './Inspector.module.css';

const route = getRouteApi('/app/requests/$id');

/** One request: why this result, this route, this price. */
export function InspectorPage() {
  const { t } = useTranslation('requests');
  const { id } = route.useParams();
  const request = useQuery(requestQuery(id));
  const task = request.data;
  return (
    <Page
      title={task?.requestedModel || task?.model || t('inspector.title')}
      badge={task && <Badges task={task} />}
      crumbs={<Link to="/requests">{t('title')}</Link>}
      actions={<Actions id={id} task={task} />}
    >
      {request.error && (
        <ProblemBanner error={request.error} onRetry={() => void request.refetch()} />
      )}
      {task && <Content task={task} />}
    </Page>
  );
}

function Badges({ task }: { task: Task }) {
  const served = task.resolvedModel;
  return (
    <>
      {served && served !== task.requestedModel && (
        <span className={styles.served}>→ {served}</span>
      )}
      <Status value={task.status} />
      {task.simulated && <SimTag />}
    </>
  );
}

function Content({ task }: { task: Task }) {
  const { t } = useTranslation('requests');
  const { tab = 'route' } = route.useSearch();
  const navigate = route.useNavigate();
  const select = (value: string | null) =>
    void navigate({ search: { tab: value as InspectorTab }, replace: true });
  return (
    <>
      <Headline task={task} />
      <TimelineView task={task} />
      <Card>
        <Tabs value={tab} onChange={select} keepMounted={false}>
          <Tabs.List className={styles.tabs}>
            {tabs.map((name) => (
              <Tabs.Tab key={name} value={name}>
                {t(`tab.${name}`)}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {tabs.map((name) => {
            const Panel = panels[name];
            return (
              <Tabs.Panel key={name} value={name}>
                <Panel task={task} />
              </Tabs.Panel>
            );
          })}
        </Tabs>
      </Card>
    </>
  );
}

const panels: Record<InspectorTab, React.ComponentType<{ task: Task }>> = {
  params: ParamsTab,
  route: RouteTab,
  bill: BillTab,
  ledger: LedgerTab,
  events: EventsTab,
  raw: RawTab,
};

function Actions({ id, task }: { id: string; task: Task | undefined }) {
  const { t } = useTranslation('requests');
  const body = task?.request as Call['body'] | undefined;
  const curl =
    body?.messages &&
    snippet('curl', { origin: window.location.origin, apiKey: '$GANTRY_API_KEY', body }).replace(
      /'Authorization: (.*)'/,
      '"Authorization: $1"',
    );
  return (
    <>
      {curl && <CopyButton value={curl} label={t('inspector.copyCurl')} text />}
      <CopyButton value={window.location.href} label={t('inspector.copyLink')} text />
      <Walk id={id} />
    </>
  );
}

/** To the requests before and after, in the list one came from. */
function Walk({ id }: { id: string }) {
  const { t } = useTranslation('requests');
  const navigate = useNavigate();
  const { previous, next } = neighbours(id);
  useEffect(() => {
    const go = (target: string | undefined) => () =>
      target &&
      void navigate({ to: '/requests/$id', params: { id: target }, search: (old) => old });
    return onKey({ '[': go(previous), ']': go(next) });
  }, [previous, next, navigate]);
  if (!previous && !next) return null;
  const open = (target: string | undefined) =>
    target && void navigate({ to: '/requests/$id', params: { id: target }, search: (old) => old });
  return (
    <>
      <Tooltip label={`${t('inspector.previous')}  [`}>
        <ActionIcon
          variant="default"
          size={32}
          disabled={!previous}
          aria-label={t('inspector.previous')}
          onClick={() => open(previous)}
        >
          <IconChevronUp size={16} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label={`${t('inspector.next')}  ]`}>
        <ActionIcon
          variant="default"
          size={32}
          disabled={!next}
          aria-label={t('inspector.next')}
          onClick={() => open(next)}
        >
          <IconChevronDown size={16} />
        </ActionIcon>
      </Tooltip>
    </>
  );
}
