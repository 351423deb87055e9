import { useTranslation } from 'react-i18next';
import type { BillingLine, Task } from '@/api/types';
import { Money } from '@/components/Money';
import { Scroll } from '@/components/Scroll';
import { SimTag } from '@/components/SimTag';
import { useUnit } from '@/components/useUnit';
import styles from './Inspector.module.css';

/** The stored lines of the bill. Nothing is computed here: each figure is the server's. */
export function BillTab({ task }: { task: Task }) {
  const { t } = useTranslation('requests');
  const lines = task.billings ?? [];
  const summary = task.billingSummary;
  return (
    <Scroll>
      {summary?.reason && (
        <p className={styles.note}>
          {t(`billReason.${summary.reason}`, { defaultValue: summary.reason })}
        </p>
      )}
      {lines.length === 0 ? (
        <p className={styles.quiet}>{t('bill.none')}</p>
      ) : (
        <table className={styles.table}>
          <thead>
            <tr>
              <th>{t('bill.resource')}</th>
              <th data-right>{t('bill.quantity')}</th>
              <th data-right>{t('bill.unitPrice')}</th>
              <th>{t('bill.factors')}</th>
              <th data-right>{t('bill.amount')}</th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line) => (
              <Line key={`${line.resource}/${line.unit}`} line={line} />
            ))}
          </tbody>
          <tfoot>
            <tr>
              <td colSpan={4}>
                {t('bill.total')} {task.simulated && <SimTag />}
              </td>
              <td data-right>
                <Money
                  text={summary?.amountText ?? task.finalChargeAmountText}
                  currency={summary?.currency ?? task.currency}
                  aligned
                />
              </td>
            </tr>
          </tfoot>
        </table>
      )}
    </Scroll>
  );
}

function Line({ line }: { line: BillingLine }) {
  const { t } = useTranslation('requests');
  const unit = useUnit();
  return (
    <tr>
      <td>
        <span title={line.resource}>
          {t(`common:resource.${line.resource}`, { defaultValue: line.resource })}
        </span>
        {line.estimated && <span className={styles.quiet}> · {t('bill.estimated')}</span>}
      </td>
      <td data-right>{unit.quantity(line.quantityText ?? String(line.quantity), line.unit)}</td>
      <td data-right>
        <Money text={line.unitPriceText} currency={line.currency} kind="price" />{' '}
        <span className={styles.quiet}>{unit.per(line.unit)}</span>
      </td>
      <td>
        <span className={styles.factors}>
          {line.factors.length === 0 && <span className={styles.quiet}>{t('bill.noFactor')}</span>}
          {line.factors.map((factor) => (
            <span key={factor.name}>
              {t(`factor.${factor.name}`, { defaultValue: factor.name })} × {factor.valueText}
            </span>
          ))}
        </span>
      </td>
      <td data-right>
        <Money text={line.amountText} currency={line.currency} aligned />
      </td>
    </tr>
  );
}
