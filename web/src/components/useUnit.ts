import { useTranslation } from 'react-i18next';
import { shiftRight } from '@/lib/decimal';

/** Prices are set per thousand or million; people count what was used one by one. */
const places: Record<string, number> = { '1k_tokens': 3, '1m_tokens': 6 };

/** Units are always written: a price of "per call" never silently means per second. */
export function useUnit() {
  const { t } = useTranslation();
  return {
    /** "/ 1M tokens" */
    per: (unit: string) => t(`unitPer.${unit}`, { ns: 'common', defaultValue: `/ ${unit}` }),
    /** "1,804 tokens" for 0.001804 of a million. */
    quantity: (text: string, unit: string) => {
      const [whole = '', fraction] = shiftRight(text, places[unit] ?? 0).split('.');
      const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
      const name = t(`unitOf.${unit}`, { ns: 'common', defaultValue: unit });
      return `${fraction ? `${grouped}.${fraction}` : grouped} ${name}`;
    },
  };
}
