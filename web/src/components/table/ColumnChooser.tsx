import { ActionIcon, Checkbox, Popover, Stack, Tooltip } from '@mantine/core';
import { IconColumns3 } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { parseHidden, toggleHidden, type Column } from './columns';

interface ColumnChooserProps<T> {
  columns: Column<T>[];
  cols: string | undefined;
  onCols: (cols: string | undefined) => void;
}

/** Chooses which columns are shown; the choice is part of the URL. */
export function ColumnChooser<T>({ columns, cols, onCols }: ColumnChooserProps<T>) {
  const { t } = useTranslation();
  const hidden = parseHidden(cols);
  return (
    <Popover position="bottom-end" trapFocus returnFocus>
      <Popover.Target>
        <Tooltip label={t('table.columns')}>
          <ActionIcon variant="default" size={32} aria-label={t('table.columns')}>
            <IconColumns3 size={16} />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap={8}>
          {columns
            .filter((column) => !column.fixed)
            .map((column) => (
              <Checkbox
                key={column.id}
                size="xs"
                label={column.header}
                checked={!hidden.includes(column.id)}
                onChange={() => onCols(toggleHidden(cols, column.id))}
              />
            ))}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
