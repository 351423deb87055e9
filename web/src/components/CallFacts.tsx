import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { ChatResult } from '@/api/chat';
import { taskOfCallQuery } from '@/api/queries';
import type { Estimate, Task } from '@/api/types';
import { SIM } from '@/lib/money';
import { tokensPerSecond } from '@/lib/numbers';
import { duration } from '@/lib/time';
import { Figure } from './Figure';
import { Missing } from './Missing';
import { Money } from './Money';
import { SimTag } from './SimTag';
import styles from './CallFacts.module.css';

interface CallFactsProps {
  result: ChatResult;
  /** What the server had estimated before the call. */
  estimate?: Estimate;
  /** Text of the link to the request; without one it is short. */
  inspect?: string;
}

/** First token, speed, tokens and charge of a finished call, with the way to its request. */
export function CallFacts({ result, estimate, inspect }: CallFactsProps) {
  const { t } = useTranslation();
  const { data: task } = useQuery(taskOfCallQuery(result.requestId));
  const output = task?.outputTokens ?? result.outputTokens;
  const streamed = result.ttftMs === undefined ? undefined : result.totalMs - result.ttftMs;
  const facts: [string, React.ReactNode][] = [
    [t('facts.ttft'), duration(result.ttftMs)],
    [t('facts.total'), duration(result.totalMs)],
    [t('facts.speed'), speed(tokensPerSecond(output, streamed))],
    [
      t('facts.tokens'),
      <Tokens key="tokens" input={task?.inputTokens ?? result.inputTokens} output={output} />,
    ],
    [t('facts.charge'), <Charge key="charge" task={task} estimate={estimate} />],
  ];
  return (
    <div className={styles.row}>
      <dl className={styles.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value ?? <Missing />}</dd>
          </div>
        ))}
      </dl>
      {task && (
        <Link className={styles.link} to="/requests/$id" params={{ id: task.id ?? '' }}>
          {inspect ?? t('facts.inspect')}
        </Link>
      )}
    </div>
  );
}

function speed(value: string | undefined) {
  return value && `${value} tok/s`;
}

function Tokens({ input, output }: { input?: number; output?: number }) {
  return (
    <>
      <Figure value={input} /> → <Figure value={output} />
    </>
  );
}

interface ChargeProps {
  task: Task | null | undefined;
  estimate?: Estimate;
}

function Charge({ task, estimate }: ChargeProps) {
  const { t } = useTranslation();
  if (!task) return <span className={styles.pending}>{t('facts.settling')}</span>;
  return (
    <>
      {estimate?.amountText && (
        <span className={styles.pending}>
          {t('facts.estimated')}{' '}
          <Money text={estimate.amountText} currency={estimate.currency} bare /> →{' '}
        </span>
      )}
      <Money text={task.finalChargeAmountText} currency={task.currency} />
      {task.simulated && task.currency !== SIM && <SimTag />}
    </>
  );
}
