import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Answer } from '@/components/Answer';
import { CodeBlock } from '@/components/CodeBlock';
import { CopyButton } from '@/components/CopyButton';
import { Card } from '@/components/Page';
import { bodyExample, curlOf } from './example';
import { Method } from './Method';
import { Parameters } from './Parameters';
import type { Surface } from './queries';
import { SchemaView } from './SchemaView';
import { mediaOf, type Body, type Operation, type Spec } from './spec';
import { useTexts } from './texts';
import styles from './Reference.module.css';

interface OperationViewProps {
  surface: Surface;
  operation: Operation;
}

/** One operation: what it does, what it takes, what it answers, and how to call it. */
export function OperationView({ surface: { name, spec }, operation }: OperationViewProps) {
  const { t } = useTranslation('reference');
  const { summary, prose } = useTexts();
  const body = operation.body;
  return (
    <article className={styles.article}>
      <header className={styles.head}>
        <Link to="/reference" search={{ surface: name }} className={styles.back}>
          ← {t('all')}
        </Link>
        <h2>{summary(operation)}</h2>
        <p className={styles.address}>
          <Method method={operation.method} />
          <code>{operation.host + operation.path}</code>
          <CopyButton value={operation.path} label={t('path')} />
        </p>
        <p className={styles.meta}>
          {t(`credential.${operation.credential}`)} · <code>{operation.id}</code>
        </p>
        {operation.description && <Answer text={prose(operation.description) ?? ''} />}
      </header>
      <div className={styles.columns}>
        <div className={styles.column}>
          {operation.parameters.length > 0 && (
            <Parameters spec={spec} parameters={operation.parameters} />
          )}
          {body && <Request spec={spec} body={body} />}
          {operation.responses.map(([status, response]) => (
            <Response key={status} spec={spec} status={status} response={response} />
          ))}
        </div>
        <aside className={styles.column}>
          <Card title={t('call')}>
            <CodeBlock code={curlOf(spec, operation, window.location.origin)} label="curl" />
          </Card>
          <Examples spec={spec} operation={operation} />
        </aside>
      </div>
    </article>
  );
}

function Request({ spec, body }: { spec: Spec; body: Body }) {
  const { t } = useTranslation('reference');
  const { prose } = useTexts();
  const media = mediaOf(body);
  return (
    <Card title={t('body')} actions={<code className={styles.media}>{media?.type}</code>}>
      {body.description && <p className={styles.note}>{prose(body.description)}</p>}
      {media?.schema && <SchemaView spec={spec} schema={media.schema} />}
    </Card>
  );
}

interface ResponseProps {
  spec: Spec;
  status: string;
  response: Body;
}

/** Answers that succeed are open; those that fail are alike and stay folded. */
function Response({ spec, status, response }: ResponseProps) {
  const { prose } = useTexts();
  const media = mediaOf(response);
  const good = status.startsWith('2') || status === '101';
  return (
    <details className={styles.response} open={good}>
      <summary>
        <code data-good={good || undefined}>{status}</code>
        <span>{prose(response.description)}</span>
        {media && <code className={styles.media}>{media.type}</code>}
      </summary>
      {media?.schema && <SchemaView spec={spec} schema={media.schema} />}
    </details>
  );
}

function Examples({ spec, operation }: { spec: Spec; operation: Operation }) {
  const { t } = useTranslation('reference');
  const [status, response] = operation.responses.find(([s]) => s.startsWith('2')) ?? [];
  const answer = bodyExample(spec, response);
  if (answer === undefined) return null;
  return (
    <Card title={t('answer', { status })}>
      <CodeBlock code={JSON.stringify(answer, null, 2)} label={t('answer', { status })} />
    </Card>
  );
}
