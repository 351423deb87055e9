import { useTranslation } from 'react-i18next';
import { merged, nameOf, type Schema, type Spec } from './spec';
import { useTexts } from './texts';
import styles from './Schema.module.css';

interface SchemaViewProps {
  spec: Spec;
  schema: Schema;
  depth?: number;
}

/** The members of a schema. What is deep inside opens on demand, which is also how it may contain itself. */
export function SchemaView({ spec, schema, depth = 0 }: SchemaViewProps) {
  const { t } = useTranslation('reference');
  const own = merged(spec, schema);
  const choices = own.oneOf ?? own.anyOf;
  if (choices) return <Choices spec={spec} choices={choices} depth={depth} />;
  if (own.items) return <SchemaView spec={spec} schema={own.items} depth={depth} />;
  const members = Object.entries(own.properties ?? {});
  if (members.length === 0) {
    return (
      <p className={styles.any}>{own.type === 'object' ? t('anyMembers') : typeOf(spec, own)}</p>
    );
  }
  return (
    <div className={styles.members}>
      {members.map(([name, member]) => (
        <Row
          key={name}
          spec={spec}
          name={name}
          required={own.required?.includes(name)}
          schema={member}
          depth={depth + 1}
        />
      ))}
    </div>
  );
}

interface ChoicesProps {
  spec: Spec;
  choices: Schema[];
  depth: number;
}

function Choices({ spec, choices, depth }: ChoicesProps) {
  const { t } = useTranslation('reference');
  return (
    <div className={styles.members}>
      <p className={styles.any}>{t('oneOf')}</p>
      {choices.map((choice, index) => (
        <Row
          key={index}
          spec={spec}
          name={nameOf(choice) ?? `${index + 1}`}
          schema={choice}
          depth={depth + 1}
        />
      ))}
    </div>
  );
}

interface RowProps {
  spec: Spec;
  name: string;
  required?: boolean;
  schema: Schema;
  depth: number;
}

/** A member with its type, what it means and what it may be. */
export function Row({ spec, name, required, schema, depth }: RowProps) {
  const { t } = useTranslation('reference');
  const { prose } = useTexts();
  const own = merged(spec, schema);
  const inner = innerOf(spec, own);
  const description = prose(schema.description ?? own.description);
  return (
    <div className={styles.row}>
      <div className={styles.line}>
        <code className={styles.name}>{name}</code>
        <span className={styles.type}>{typeOf(spec, schema)}</span>
        {required && <span className={styles.required}>{t('required')}</span>}
        {own.nullable && <span className={styles.type}>{t('nullable')}</span>}
      </div>
      {description && <p className={styles.text}>{description}</p>}
      <Limits schema={own} />
      {inner && (
        <details className={styles.inner} open={depth < 2 || undefined}>
          <summary>{nameOf(inner) ?? t('members')}</summary>
          <SchemaView spec={spec} schema={inner} depth={depth} />
        </details>
      )}
    </div>
  );
}

/** Values, bounds, default and example, where the document names them. */
function Limits({ schema }: { schema: Schema }) {
  const { t } = useTranslation('reference');
  const bounds = [
    [schema.minimum ?? schema.minLength, '≥'],
    [schema.maximum ?? schema.maxLength, '≤'],
  ].filter(([bound]) => bound !== undefined);
  const facts: [string, unknown[]][] = [
    [t('oneOfValues'), schema.enum ?? []],
    [t('default'), schema.default === undefined ? [] : [schema.default]],
    [t('example'), isPlain(schema.example) ? [schema.example] : []],
  ];
  const shown = facts.filter(([, values]) => values.length > 0);
  if (shown.length + bounds.length === 0) return null;
  return (
    <p className={styles.facts}>
      {bounds.map(([bound, sign]) => (
        <span key={sign}>
          {sign} {bound}
        </span>
      ))}
      {shown.map(([name, values]) => (
        <span key={name}>
          {name}{' '}
          {values.map((value) => (
            <code key={String(value)}>{String(value)}</code>
          ))}
        </span>
      ))}
    </p>
  );
}

const isPlain = (value: unknown) =>
  value !== undefined && value !== null && typeof value !== 'object';

/** The schema to open below a row: that of an object, of the items of a list, or of the values of a map. */
function innerOf(spec: Spec, own: Schema): Schema | undefined {
  if (own.items) return innerOf(spec, merged(spec, own.items)) && own.items;
  if (own.properties || own.oneOf || own.anyOf) return own;
  const values = own.additionalProperties;
  if (typeof values === 'object') return innerOf(spec, merged(spec, values)) && values;
  return undefined;
}

function typeOf(spec: Spec, schema: Schema): string {
  const own = merged(spec, schema);
  if (own.items) return `${typeOf(spec, own.items)}[]`;
  const name = nameOf(schema);
  if (name && own.properties) return name;
  if (own.oneOf ?? own.anyOf)
    return (own.oneOf ?? own.anyOf)!.map((s) => typeOf(spec, s)).join(' | ');
  return own.format ? `${own.type} · ${own.format}` : (own.type ?? 'any');
}
