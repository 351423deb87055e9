import { CodeBlock } from './CodeBlock';

/** A value as indented JSON. */
export function JsonView({ value, label }: { value: unknown; label: string }) {
  return <CodeBlock code={JSON.stringify(value, null, 2)} label={label} />;
}
