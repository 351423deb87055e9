import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { asProblem } from '@/api/problem';
import { session, subscribe } from '@/api/session';
import { cssVariables, theme } from '@/theme/theme';
import { createAppRouter } from './router';

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // What the server decided stays decided; only a lost or broken answer is asked again, once.
      retry: (failures, error) => {
        const { status } = asProblem(error);
        return failures < 1 && (status === 0 || status >= 502);
      },
    },
  },
});
const router = createAppRouter(queryClient);

// What one person was shown is not there for the next one at this browser.
subscribe(() => {
  if (session().status === 'anonymous') queryClient.clear();
});

export function App() {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  );
}
