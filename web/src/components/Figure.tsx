import { count } from '@/lib/numbers';
import { Missing } from './Missing';
import { useDisplay } from './preferences';

/** A whole number with separators, or "not recorded". */
export function Figure({ value }: { value: number | undefined }) {
  const { locale } = useDisplay();
  return value === undefined ? <Missing /> : <>{count(value, locale)}</>;
}
