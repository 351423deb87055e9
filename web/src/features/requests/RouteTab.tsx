import { useTranslation } from 'react-i18next';
import type { Task } from '@/api/types';
import { Scroll } from '@/components/Scroll';
import { Badge } from '@/components/Status';
import styles from './Inspector.module.css';

/** Every candidate in its order, what kept it out, and why another model may have answered. */
export function RouteTab({ task }: { task: Task }) {
  const { t } = useTranslation('requests');
  const { route } = task;
  if (!route) return <p className={styles.quiet}>{t('route.none')}</p>;
  return (
    <Scroll>
      <p className={styles.note}>
        {t(`cause.${route.cause}`, { requested: route.requested, served: route.served })}
      </p>
      <table className={styles.table}>
        <thead>
          <tr>
            <th data-right>{t('route.rank')}</th>
            <th>{t('column.platform')}</th>
            <th>{t('route.model')}</th>
            <th data-right>{t('route.priority')}</th>
            <th>{t('route.gate')}</th>
            <th>{t('route.result')}</th>
          </tr>
        </thead>
        <tbody>
          {route.candidates.map((candidate, index) => (
            <tr
              key={`${candidate.platformId}/${candidate.model}`}
              data-chosen={candidate.chosen || undefined}
              data-removed={candidate.gate !== 'passed' || undefined}
            >
              <td data-right>{index + 1}</td>
              <td>{candidate.platformName}</td>
              <td>
                <code>{candidate.model}</code>
              </td>
              <td data-right>{candidate.effectivePriority}</td>
              <td>
                <Badge tone={candidate.gate === 'passed' ? 'ok' : 'idle'} title={candidate.gate}>
                  {t(`gate.${candidate.gate}`, { defaultValue: candidate.gate })}
                </Badge>
              </td>
              <td>{candidate.chosen ? t('route.chosen') : <span aria-hidden="true">·</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
