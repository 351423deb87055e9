import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { LedgerEntry, Task } from '@/api/types';
import { Money } from '@/components/Money';
import { ProblemBanner } from '@/components/ProblemBanner';
import { Scroll } from '@/components/Scroll';
import { Badge } from '@/components/Status';
import { Time } from '@/components/Time';
import { ledgerQuery } from './queries';
import styles from './Inspector.module.css';

/** Hold, capture, release: what the request did to the wallet. */
export function LedgerTab({ task }: { task: Task }) {
  const { t } = useTranslation('requests');
  const ledger = useQuery(ledgerQuery(task.id ?? ''));
  if (ledger.error) {
    return <ProblemBanner error={ledger.error} onRetry={() => void ledger.refetch()} />;
  }
  if (!ledger.data) return null;
  const { items, balanced } = ledger.data;
  if (items.length === 0) return <p className={styles.quiet}>{t('ledger.none')}</p>;
  const hold = task.billingSummary?.holdText;
  return (
    <Scroll>
      {hold && (
        <p className={styles.note}>
          {t('ledger.hold')} <Money text={hold} currency={task.currency} />
        </p>
      )}
      <table className={styles.table}>
        <thead>
          <tr>
            <th>{t('common:column.time')}</th>
            <th>{t('ledger.kind')}</th>
            <th data-right>{t('ledger.amount')}</th>
            <th data-right>{t('ledger.before')}</th>
            <th data-right>{t('ledger.after')}</th>
            <th>{t('ledger.reason')}</th>
          </tr>
        </thead>
        <tbody>
          {items.map((entry) => (
            <Entry key={entry.id} entry={entry} />
          ))}
        </tbody>
      </table>
      <p className={styles.balanced}>
        <Badge tone={balanced ? 'ok' : 'error'}>
          {t(balanced ? 'ledger.balanced' : 'ledger.unbalanced')}
        </Badge>
      </p>
    </Scroll>
  );
}

function Entry({ entry }: { entry: LedgerEntry }) {
  const { t } = useTranslation('requests');
  const money = (text: string) => <Money text={text} currency={entry.currency} aligned />;
  return (
    <tr>
      <td>
        <Time at={entry.at} absolute />
      </td>
      <td>{t(`ledgerKind.${entry.kind}`)}</td>
      <td data-right>{money(entry.amountText)}</td>
      <td data-right>{money(entry.balanceBeforeText)}</td>
      <td data-right>{money(entry.balanceAfterText)}</td>
      <td>{entry.reason}</td>
    </tr>
  );
}
