import { useMemo } from 'react';
import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { EmptyState } from '@/components/EmptyState';
import { Page } from '@/components/Page';
import { ProblemBanner } from '@/components/ProblemBanner';
import { SearchFilter } from '@/components/table/Filters';
import { OperationList } from './OperationList';
import { OperationView } from './OperationView';
import { Overview } from './Overview';
import { surfacesQuery, type Surface } from './queries';
import { find } from './spec';
import styles from './Reference.module.css';

const route = getRouteApi('/app/reference');

/** Every operation of this installation, drawn from the documents that it serves itself. */
export function ReferencePage() {
  const { t } = useTranslation('reference');
  const surfaces = useQuery(surfacesQuery);
  return (
    <Page title={t('title')} subtitle={t('subtitle')}>
      {surfaces.error && (
        <ProblemBanner error={surfaces.error} onRetry={() => void surfaces.refetch()} />
      )}
      {surfaces.data && <Reference surfaces={surfaces.data} />}
    </Page>
  );
}

function Reference({ surfaces }: { surfaces: Surface[] }) {
  const { surface: name, op, q } = route.useSearch();
  const surface = surfaces.find((candidate) => candidate.name === name) ?? surfaces[0];
  const operation = surface?.operations.find(({ id }) => id === op);
  const found = useMemo(() => narrow(surfaces, surface, q), [surfaces, surface, q]);
  if (!surface) return null;
  return (
    <div className={styles.layout} data-reading={operation !== undefined || undefined}>
      <nav className={styles.nav} aria-label={surface.title}>
        <Controls surfaces={surfaces} surface={surface} />
        <Found found={found} surface={surface} selected={operation?.id} />
      </nav>
      {operation ? (
        <OperationView key={operation.id} surface={surface} operation={operation} />
      ) : (
        <Overview surface={surface} />
      )}
    </div>
  );
}

/** Without a text one surface at a time; with one, whatever it finds anywhere. */
function narrow(surfaces: Surface[], chosen: Surface | undefined, text: string | undefined) {
  const within = text ? surfaces : surfaces.filter((surface) => surface === chosen);
  return within
    .map((surface) => ({ surface, operations: find(surface.operations, text) }))
    .filter(({ operations }) => operations.length > 0);
}

function Controls({ surfaces, surface }: { surfaces: Surface[]; surface: Surface }) {
  const { t } = useTranslation('reference');
  const { q } = route.useSearch();
  const navigate = route.useNavigate();
  const data = surfaces.map(({ name, title, operations }) => ({
    value: name,
    label: `${title} (${operations.length})`,
  }));
  return (
    <div className={styles.controls} role="search">
      <Select
        aria-label={t('surface')}
        data={data}
        value={surface.name}
        allowDeselect={false}
        onChange={(value) => void navigate({ search: { surface: value ?? undefined } })}
      />
      <SearchFilter
        value={q}
        placeholder={t('search')}
        onChange={(text) =>
          void navigate({ search: (old) => ({ ...old, q: text }), replace: true })
        }
      />
    </div>
  );
}

interface FoundProps {
  found: ReturnType<typeof narrow>;
  surface: Surface;
  selected: string | undefined;
}

function Found({ found, surface, selected }: FoundProps) {
  const { t } = useTranslation('reference');
  if (found.length === 0) return <EmptyState title={t('nothing')} hint={t('nothingHint')} />;
  return (
    <div className={styles.list}>
      {found.map(({ surface: of, operations }) => (
        <section key={of.name}>
          {found.length > 1 && <p className={styles.surface}>{of.title}</p>}
          <OperationList
            surface={of.name}
            operations={operations}
            selected={of === surface ? selected : undefined}
          />
        </section>
      ))}
    </div>
  );
}
