import { useTranslation } from 'react-i18next';

/** Units are always written: a price of "per call" never silently means per second. */
export function useUnit() {
  const { t } = useTranslation();
  return {
    /** "/ 1M tokens" */
    per: (unit: string) => t(`unitPer.${unit}`, { defaultValue: `/ ${unit}` }),
    /** What a quantity in this unit counts: "tokens". */
    quantity: (unit: string) => t(`unitOf.${unit}`, { defaultValue: unit }),
  };
}
