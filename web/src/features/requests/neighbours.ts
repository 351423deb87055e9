const key = 'gantry.requests.list';

/** Remembers the rows of the list, so that the inspector can walk through them. */
export function rememberList(ids: string[]): void {
  sessionStorage.setItem(key, JSON.stringify(ids));
}

/** The requests before and after one, in the order of the list last seen. */
export function neighbours(id: string): { previous?: string; next?: string } {
  const ids = read();
  const index = ids.indexOf(id);
  if (index < 0) return {};
  return { previous: ids[index - 1], next: ids[index + 1] };
}

function read(): string[] {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(key) ?? '[]');
    return Array.isArray(stored) ? stored.map(String) : [];
  } catch {
    return [];
  }
}
