import { Checkbox } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { PlatformTestReport } from '@/api/types';
import styles from './Connect.module.css';

interface ModelPickerProps {
  models: PlatformTestReport['models'];
  picked: string[];
  onPick: (ids: string[]) => void;
}

/** The models of a provider, all ticked to begin with. */
export function ModelPicker({ models, picked, onPick }: ModelPickerProps) {
  const { t } = useTranslation('connect');
  const all = picked.length === models.length;
  return (
    <fieldset className={styles.models}>
      <legend>
        <Checkbox
          size="xs"
          label={t('models', { picked: picked.length, total: models.length })}
          checked={all}
          indeterminate={!all && picked.length > 0}
          onChange={() => onPick(all ? [] : models.map((model) => model.id))}
        />
      </legend>
      <Checkbox.Group value={picked} onChange={onPick}>
        <div className={styles.modelGrid}>
          {models.map((model) => (
            <Checkbox
              key={model.id}
              size="xs"
              value={model.id}
              label={
                <>
                  {model.id}
                  <span className={styles.types}>{model.suggestedTypes.join(' · ')}</span>
                </>
              }
            />
          ))}
        </div>
      </Checkbox.Group>
    </fieldset>
  );
}
