import { SIM, formatMoney, moneyParts, type MoneyKind } from '@/lib/money';
import { Missing } from './Missing';
import styles from './Money.module.css';

interface MoneyProps {
  /** Exact decimal; absent is "not recorded", never 0. */
  text: string | undefined;
  currency: string | undefined;
  kind?: MoneyKind;
  /** In a table: fixed room after the decimal point, so that points stand in one line. */
  aligned?: boolean;
  /** Leave the code out, where one heading already says which currency all figures are in. */
  bare?: boolean;
  /** Put a plus before what is not negative. */
  signed?: boolean;
}

/** An amount, formatted from its exact text. The exact value is in the title. */
export function Money({ text, currency = '', kind = 'charge', aligned, bare, signed }: MoneyProps) {
  const parts = text === undefined ? undefined : moneyParts(text, currency, kind);
  if (text === undefined || !parts) return <Missing />;
  const sign = parts.sign || (signed ? '+' : '');
  return (
    <data
      className={styles.money}
      value={text}
      title={formatMoney(text, currency, 'exact')}
      data-sim={currency === SIM || undefined}
      data-aligned={aligned || undefined}
    >
      <span>
        {sign}
        {parts.symbol}
        {parts.whole}
      </span>
      <span className={styles.fraction}>{parts.fraction}</span>
      {currency && !bare && <span className={styles.currency}>{currency}</span>}
    </data>
  );
}
