import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Task } from '@/api/types';
import { ProblemBanner } from '@/components/ProblemBanner';
import { eventsQuery } from './queries';
import styles from './Inspector.module.css';

/** The stored events of the request, in order. */
export function EventsTab({ task }: { task: Task }) {
  const { t } = useTranslation('requests');
  const events = useQuery(eventsQuery(task.id ?? ''));
  if (events.error)
    return <ProblemBanner error={events.error} onRetry={() => void events.refetch()} />;
  if (!events.data) return null;
  if (events.data.length === 0) return <p className={styles.quiet}>{t('events.none')}</p>;
  return (
    <ol className={styles.events}>
      {events.data.map((event, index) => (
        <li key={event.id ?? index}>
          <code>{event.type}</code>
          <pre>{typeof event.data === 'string' ? event.data : JSON.stringify(event.data)}</pre>
        </li>
      ))}
    </ol>
  );
}
