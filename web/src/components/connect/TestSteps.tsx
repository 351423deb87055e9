import { useTranslation } from 'react-i18next';
import type { PlatformTestReport, PlatformTestStep } from '@/api/types';
import { Shape, type Tone } from '../Status';
import styles from './Connect.module.css';

const names: PlatformTestStep['name'][] = ['resolve', 'tls', 'auth', 'models', 'call'];

interface TestStepsProps {
  report: PlatformTestReport | undefined;
  running: boolean;
}

/** The five steps of a test, each with its time and, when it failed, its own advice. */
export function TestSteps({ report, running }: TestStepsProps) {
  const { t } = useTranslation('connect');
  return (
    <ol className={styles.steps} aria-label={t('steps')} aria-busy={running}>
      {names.map((name) => (
        <Step
          key={name}
          name={name}
          step={report?.steps.find((step) => step.name === name)}
          running={running}
        />
      ))}
    </ol>
  );
}

interface StepProps {
  name: PlatformTestStep['name'];
  step: PlatformTestStep | undefined;
  running: boolean;
}

function Step({ name, step, running }: StepProps) {
  const { t, i18n } = useTranslation('connect');
  const state = running ? 'running' : stateOf(step);
  const chinese = i18n.language.startsWith('zh');
  const message = step && (chinese ? step.messageZh : step.message);
  const advice = step && (chinese ? step.adviceZh : step.advice);
  return (
    <li data-state={state}>
      <span className={styles.shape} role="img" aria-label={t(`state.${state}`)}>
        <Shape tone={tones[state]} />
      </span>
      <span className={styles.stepName}>{t(`step.${name}`)}</span>
      <span className={styles.stepText}>
        {message || (step?.skipped && t('state.skipped'))}
        {advice && <strong>{advice}</strong>}
      </span>
      <span className={styles.ms}>
        {step && !step.skipped && (step.ms > 0 ? `${step.ms} ms` : '< 1 ms')}
      </span>
    </li>
  );
}

type State = 'idle' | 'running' | 'ok' | 'failed' | 'skipped';

const tones: Record<State, Tone> = {
  idle: 'idle',
  running: 'run',
  ok: 'ok',
  failed: 'error',
  skipped: 'idle',
};

function stateOf(step: PlatformTestStep | undefined): State {
  if (!step) return 'idle';
  if (step.skipped) return 'skipped';
  return step.ok ? 'ok' : 'failed';
}
