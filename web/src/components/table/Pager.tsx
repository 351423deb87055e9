import { ActionIcon, Select } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Page } from '@/api/page';
import { count } from '@/lib/numbers';
import styles from './Pager.module.css';

interface PagerProps {
  page: Page<unknown> | undefined;
  /** What the URL asks for, while the answer is on its way. */
  pageSize: number;
  onPage: (page: number) => void;
  onPageSize: (pageSize: number) => void;
}

/** Where one is in a paged list, and the way to the next page. */
export function Pager({ page, pageSize, onPage, onPageSize }: PagerProps) {
  const { t, i18n } = useTranslation();
  if (!page || page.total === 0) return null;
  const first = (page.page - 1) * page.pageSize + 1;
  const last = first + page.items.length - 1;
  const show = (value: number) => count(value, i18n.language);
  return (
    <nav className={styles.pager} aria-label={t('table.pages')}>
      <span>
        {t('table.range', { first: show(first), last: show(last), total: show(page.total) })}
      </span>
      <Select
        size="xs"
        w={112}
        aria-label={t('table.pageSize')}
        value={String(pageSize)}
        onChange={(value) => value && onPageSize(Number(value))}
        data={['20', '50', '100', '200'].map((value) => ({
          value,
          label: t('table.perPage', { rows: value }),
        }))}
        allowDeselect={false}
      />
      <ActionIcon
        variant="default"
        size={28}
        aria-label={t('table.previous')}
        disabled={page.page <= 1}
        onClick={() => onPage(page.page - 1)}
      >
        <IconChevronLeft size={16} />
      </ActionIcon>
      <ActionIcon
        variant="default"
        size={28}
        aria-label={t('table.next')}
        disabled={!page.next}
        onClick={() => onPage(page.page + 1)}
      >
        <IconChevronRight size={16} />
      </ActionIcon>
    </nav>
  );
}
