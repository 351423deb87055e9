import { useTranslation } from 'react-i18next';
import { Card } from '@/components/Page';
import { Row } from './SchemaView';
import type { Parameter, Spec } from './spec';

interface ParametersProps {
  spec: Spec;
  parameters: Parameter[];
}

const places = ['path', 'query', 'header', 'cookie'] as const;

/** What an operation takes beside its body, by where it stands. */
export function Parameters({ spec, parameters }: ParametersProps) {
  const { t } = useTranslation('reference');
  return places
    .map((place) => [place, parameters.filter((parameter) => parameter.in === place)] as const)
    .filter(([, members]) => members.length > 0)
    .map(([place, members]) => (
      <Card key={place} title={t(`place.${place}`)}>
        {members.map(({ name, required, description, example, schema }) => (
          <Row
            key={name}
            spec={spec}
            name={name}
            required={required}
            schema={{ ...schema, description: description ?? schema?.description, example }}
            depth={1}
          />
        ))}
      </Card>
    ));
}
