import { useEffect, useRef, useState } from 'react';
import { Button, Select, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { onKey } from '@/lib/keys';
import styles from './Filters.module.css';

interface FiltersProps {
  children: React.ReactNode;
  /** Shown when any filter is set. */
  onClear?: () => void;
}

/** The bar of filters above a list. */
export function Filters({ children, onClear }: FiltersProps) {
  const { t } = useTranslation();
  return (
    <div className={styles.bar} role="search">
      {children}
      {onClear && (
        <Button variant="subtle" size="sm" onClick={onClear}>
          {t('table.clearFilters')}
        </Button>
      )}
    </div>
  );
}

interface SearchFilterProps {
  value: string | undefined;
  onChange: (value: string | undefined) => void;
  placeholder: string;
}

/** Free text; `/` puts the cursor here, the URL follows after a short pause. */
export function SearchFilter({ value = '', onChange, placeholder }: SearchFilterProps) {
  const input = useRef<HTMLInputElement>(null);
  const [draft, setDraft] = useState(value);
  const [seen, setSeen] = useState(value);
  if (seen !== value) {
    setSeen(value);
    setDraft(value);
  }
  useEffect(
    () =>
      onKey({
        '/': (event) => {
          event.preventDefault();
          input.current?.focus();
        },
      }),
    [],
  );
  useEffect(() => {
    if (draft === value) return;
    const timer = setTimeout(() => onChange(draft.trim() || undefined), 300);
    return () => clearTimeout(timer);
  }, [draft, value, onChange]);
  return (
    <TextInput
      ref={input}
      className={styles.search}
      type="search"
      value={draft}
      onChange={(event) => setDraft(event.currentTarget.value)}
      placeholder={placeholder}
      aria-label={placeholder}
      leftSection={<IconSearch size={15} />}
      rightSection={draft ? undefined : <kbd>/</kbd>}
    />
  );
}

interface ChoiceFilterProps {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
  data: { value: string; label: string }[];
  width?: number;
}

/** One of a few words, or any. */
export function ChoiceFilter({ label, value, onChange, data, width = 148 }: ChoiceFilterProps) {
  const { t } = useTranslation();
  const any = { value: '', label: t('table.any', { what: label }) };
  return (
    <Select
      w={width}
      aria-label={label}
      value={value ?? ''}
      onChange={(next) => onChange(next || undefined)}
      data={[any, ...data]}
      allowDeselect={false}
      data-set={value !== undefined || undefined}
    />
  );
}

/** Ranges counted back from now; they stay relative in the URL. */
export function RangeFilter({ value, onChange }: Pick<ChoiceFilterProps, 'value' | 'onChange'>) {
  const { t } = useTranslation();
  const ranges = ['-1h', '-24h', '-7d', '-30d'];
  const custom = value && !ranges.includes(value) ? [{ value, label: value }] : [];
  const data = [
    ...ranges.map((range) => ({ value: range, label: t(`range.${range.slice(1)}`) })),
    ...custom,
  ];
  return <ChoiceFilter label={t('table.time')} value={value} onChange={onChange} data={data} />;
}
