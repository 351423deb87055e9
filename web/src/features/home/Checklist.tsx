import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { capabilitiesQuery, modelsQuery } from '@/api/queries';
import type { Task } from '@/api/types';
import { Card } from '@/components/Page';
import { Shape } from '@/components/Status';
import styles from './Home.module.css';

/** Three steps of a new integration; each is ticked by what really happened. */
export function Checklist({ firstTask }: { firstTask: Task | undefined }) {
  const { t } = useTranslation('home');
  const { data: models } = useQuery(modelsQuery);
  const { data: capabilities } = useQuery(capabilitiesQuery);
  const real = models?.some((model) => !model.simulated);
  const steps = [
    { name: 'call', done: firstTask !== undefined, to: '/welcome' },
    { name: 'inspect', done: firstTask?.status === 'succeeded', to: '/requests' },
  ] as const;
  const mayConnect = capabilities?.capabilities.includes('platforms.write');
  return (
    <Card title={t('checklist.title')}>
      <ol className={styles.steps}>
        {steps.map(({ name, done, to }) => (
          <Step key={name} name={name} done={done} to={to} />
        ))}
        {mayConnect && <Step name="connect" done={real ?? false} to="/ops/platforms" />}
      </ol>
    </Card>
  );
}

interface StepProps {
  name: 'call' | 'inspect' | 'connect';
  done: boolean;
  to: '/welcome' | '/requests' | '/ops/platforms';
}

function Step({ name, done, to }: StepProps) {
  const { t } = useTranslation('home');
  return (
    <li data-done={done || undefined}>
      <span
        className={styles.tick}
        role="img"
        aria-label={t(done ? 'checklist.done' : 'checklist.open')}
      >
        <Shape tone={done ? 'ok' : 'idle'} />
      </span>
      <span>
        <Link to={to}>{t(`checklist.${name}`)}</Link>
        <span className={styles.stepHint}>{t(`checklistHint.${name}`)}</span>
      </span>
    </li>
  );
}
