import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { MantineProvider } from '@mantine/core';
import { afterEach, expect, it } from 'vitest';
import Markdown from './Markdown';

afterEach(cleanup);

const show = (text: string) =>
  render(
    <MantineProvider>
      <Markdown text={text} />
    </MantineProvider>,
  ).container;

it('never makes elements of HTML in the text', () => {
  const box = show('a <img src=x onerror=alert(1)> <script>alert(1)</script> b');
  expect(box.querySelector('img,script')).toBeNull();
});

it('drops links that run code', () => {
  const box = show('[x](javascript:alert(1)) [y](https://example.org)');
  const [bad, good] = [...box.querySelectorAll('a')];
  expect(bad?.getAttribute('href') ?? '').toBe('');
  expect(good?.getAttribute('rel')).toContain('noopener');
});

it('loads a remote picture only when asked', () => {
  const box = show('![chart](https://example.org/c.png)');
  expect(box.querySelector('img')).toBeNull();
  fireEvent.click(screen.getByRole('button', { name: /loadPicture/ }));
  expect(box.querySelector('img')?.getAttribute('src')).toBe('https://example.org/c.png');
});
