import { useEffect, useState } from 'react';
import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { copyText } from '@/lib/browser';
import styles from './CopyButton.module.css';

/** Copies and says so for a moment; also usable by custom controls. */
export function useCopy() {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = (value: string) => {
    void copyText(value).then(() => setCopied(true));
  };
  return { copied, copy };
}

interface CopyButtonProps {
  value: string;
  /** What is copied: "request id". Names the button for assistive technology. */
  label: string;
  /** With text, a full button; without, a small icon. */
  text?: boolean;
}

export function CopyButton({ value, label, text }: CopyButtonProps) {
  const { t } = useTranslation();
  const { copied, copy } = useCopy();
  const Icon = copied ? IconCheck : IconCopy;
  const name = copied ? t('copied') : t('copyWhat', { what: label });
  const announcement = (
    <span className={styles.announce} role="status">
      {copied ? t('copied') : ''}
    </span>
  );
  if (text) {
    return (
      <>
        <Button variant="default" leftSection={<Icon size={16} />} onClick={() => copy(value)}>
          {copied ? t('copied') : label}
        </Button>
        {announcement}
      </>
    );
  }
  return (
    <>
      <Tooltip label={name}>
        <ActionIcon
          size="sm"
          variant="subtle"
          color="gray"
          className={styles.icon}
          aria-label={name}
          onClick={(event) => {
            event.stopPropagation();
            copy(value);
          }}
        >
          <Icon size={14} />
        </ActionIcon>
      </Tooltip>
      {announcement}
    </>
  );
}
