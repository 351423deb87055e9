import { useTranslation } from 'react-i18next';
import { Link } from '@tanstack/react-router';
import type { WalletAccount } from '@/api/types';
import { Money } from '@/components/Money';
import { Card } from '@/components/Page';
import { SimTag } from '@/components/SimTag';
import { SIM } from '@/lib/money';
import styles from './Wallet.module.css';

/** One currency: what there is, what of it is frozen by running requests, spent. */
export function AccountCard({ account }: { account: WalletAccount }) {
  const { t } = useTranslation('wallet');
  const { currency = '' } = account;
  const simulated = currency === SIM;
  return (
    <Card simulated={simulated}>
      <div className={styles.head}>
        <span>{t('balance')}</span>
        {simulated && <SimTag />}
      </div>
      <div className={styles.available}>
        <Money text={account.balanceText} currency={currency} kind="balance" />
      </div>
      <dl className={styles.figures}>
        <div>
          <dt>{t('frozen')}</dt>
          <dd>
            <Link to="/requests" search={{ status: 'running' }} title={t('frozenHint')}>
              <Money text={account.frozenBalanceText} currency={currency} kind="balance" bare />
            </Link>
          </dd>
        </div>
        <div>
          <dt>{t('spent')}</dt>
          <dd>
            <Money text={account.totalSpentText} currency={currency} kind="balance" bare />
          </dd>
        </div>
        <div>
          <dt>{t('recharged')}</dt>
          <dd>
            <Money text={account.totalRechargedText} currency={currency} kind="balance" bare />
          </dd>
        </div>
      </dl>
      {simulated && <p className={styles.note}>{t('simNote')}</p>}
    </Card>
  );
}
