import { NumberInput, PasswordInput, Select, Switch, Textarea, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { AdapterField } from '@/api/types';

interface FieldProps {
  field: AdapterField;
  value: string;
  onChange: (value: string) => void;
}

/** One field of an adapter, drawn from its description. */
export function Field({ field, value, onChange }: FieldProps) {
  const { i18n } = useTranslation();
  const language = i18n.language.startsWith('zh') ? 'zh' : 'en';
  const shared = {
    label: field.label[language],
    description: field.help?.[language] || undefined,
    required: field.required,
  };
  const onInput = (event: { currentTarget: { value: string } }) =>
    onChange(event.currentTarget.value);
  if (field.secret && field.type !== 'textarea') {
    return <PasswordInput {...shared} value={value} onChange={onInput} autoComplete="off" />;
  }
  switch (field.type) {
    case 'textarea':
      return (
        <Textarea {...shared} value={value} onChange={onInput} autosize minRows={3} maxRows={8} />
      );
    case 'number':
      return <NumberInput {...shared} value={value} onChange={(next) => onChange(String(next))} />;
    case 'boolean':
      return (
        <Switch
          label={shared.label}
          description={shared.description}
          checked={value === 'true'}
          onChange={(event) => onChange(String(event.currentTarget.checked))}
        />
      );
    case 'select':
      return (
        <Select
          {...shared}
          data={field.options ?? []}
          value={value}
          onChange={(next) => onChange(next ?? '')}
        />
      );
    default:
      return (
        <TextInput
          {...shared}
          type={field.type === 'url' ? 'url' : 'text'}
          value={value}
          onChange={onInput}
          autoComplete="off"
        />
      );
  }
}
