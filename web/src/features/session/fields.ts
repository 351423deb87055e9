import type { UseFormReturnType } from '@mantine/form';
import type { TFunction } from 'i18next';
import { asProblem } from '@/api/problem';

/** Rules shared by sign-up and setup; the server has the last word. */
export function credentialRules(t: TFunction) {
  return {
    username: (value: string) => (value.trim().length < 3 ? t('session:rule.username') : null),
    password: (value: string) => (value.length < 8 ? t('session:rule.password') : null),
  };
}

/** Puts the server's objection at its field. False when it concerns no field of the form. */
export function showAtField<T extends Record<string, unknown>>(
  form: UseFormReturnType<T>,
  error: unknown,
): boolean {
  const { path, message } = asProblem(error);
  if (!path || !(path in form.values)) return false;
  form.setFieldError(path, message);
  document.querySelector<HTMLInputElement>(`[data-path="${path}"]`)?.focus();
  return true;
}
