import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { bootstrapQuery } from '@/api/queries';
import { session } from '@/api/session';
import { peopleSearch } from '@/features/people/search';
import { chatSearch } from '@/features/play/search';
import { platformsSearch } from '@/features/platforms/search';
import { referenceSearch } from '@/features/reference/search';
import { inspectorSearch, requestsSearch } from '@/features/requests/search';
import { signInSearch } from '@/features/session/search';
import { walletSearch } from '@/features/wallet/search';
import { loadCatalogues } from '@/i18n';
import { NotFound } from './NotFound';
import { RouteError } from './RouteError';
import { Shell } from './Shell';

interface Context {
  queryClient: QueryClient;
}

const root = createRootRouteWithContext<Context>()({ component: Outlet });

/** A fresh installation has nobody to sign in: it leads to setup. */
async function leadToSetup({ context }: { context: Context }) {
  const bootstrap = await context.queryClient.ensureQueryData(bootstrapQuery);
  if (bootstrap.needsSetup) throw redirect({ to: '/setup' });
}

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: signInSearch,
  beforeLoad: leadToSetup,
  loader: () => loadCatalogues('session'),
  component: lazyRouteComponent(() => import('@/features/session/SignInPage'), 'SignInPage'),
});

const signUp = createRoute({
  getParentRoute: () => root,
  path: '/sign-up',
  beforeLoad: leadToSetup,
  loader: () => loadCatalogues('session'),
  component: lazyRouteComponent(() => import('@/features/session/SignUpPage'), 'SignUpPage'),
});

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  loader: () => loadCatalogues('session'),
  component: lazyRouteComponent(() => import('@/features/session/SetupPage'), 'SetupPage'),
});

/** Everything behind sign-in; an anonymous visitor returns here afterwards. */
const app = createRoute({
  getParentRoute: () => root,
  id: 'app',
  component: Shell,
  beforeLoad: ({ location }) => {
    if (session().status === 'anonymous') {
      throw redirect({ to: '/sign-in', search: { next: location.href } });
    }
  },
});

const home = createRoute({
  getParentRoute: () => app,
  path: '/',
  loader: () => loadCatalogues('home'),
  component: lazyRouteComponent(() => import('@/features/home/HomePage'), 'HomePage'),
});

const welcome = createRoute({
  getParentRoute: () => app,
  path: '/welcome',
  loader: () => loadCatalogues('welcome', 'connect'),
  component: lazyRouteComponent(() => import('@/features/welcome/WelcomePage'), 'WelcomePage'),
});

const chat = createRoute({
  getParentRoute: () => app,
  path: '/play/chat',
  validateSearch: chatSearch,
  loader: () => loadCatalogues('play'),
  component: lazyRouteComponent(() => import('@/features/play/ChatPage'), 'ChatPage'),
});

const requests = createRoute({
  getParentRoute: () => app,
  path: '/requests',
  validateSearch: requestsSearch,
  loader: () => loadCatalogues('requests'),
  component: lazyRouteComponent(() => import('@/features/requests/RequestsPage'), 'RequestsPage'),
});

const inspector = createRoute({
  getParentRoute: () => app,
  path: '/requests/$id',
  validateSearch: inspectorSearch,
  loader: () => loadCatalogues('requests'),
  component: lazyRouteComponent(() => import('@/features/requests/InspectorPage'), 'InspectorPage'),
});

const keys = createRoute({
  getParentRoute: () => app,
  path: '/keys',
  loader: () => loadCatalogues('keys'),
  component: lazyRouteComponent(() => import('@/features/keys/KeysPage'), 'KeysPage'),
});

const wallet = createRoute({
  getParentRoute: () => app,
  path: '/wallet',
  validateSearch: walletSearch,
  loader: () => loadCatalogues('wallet'),
  component: lazyRouteComponent(() => import('@/features/wallet/WalletPage'), 'WalletPage'),
});

const account = createRoute({
  getParentRoute: () => app,
  path: '/account',
  loader: () => loadCatalogues('account'),
  component: lazyRouteComponent(() => import('@/features/account/AccountPage'), 'AccountPage'),
});

const platforms = createRoute({
  getParentRoute: () => app,
  path: '/ops/platforms',
  validateSearch: platformsSearch,
  staticData: { capability: 'platforms.write' },
  loader: () => loadCatalogues('platforms', 'connect'),
  component: lazyRouteComponent(
    () => import('@/features/platforms/PlatformsPage'),
    'PlatformsPage',
  ),
});

const platform = createRoute({
  getParentRoute: () => app,
  path: '/ops/platforms/$id',
  staticData: { capability: 'platforms.write' },
  loader: () => loadCatalogues('platforms'),
  component: lazyRouteComponent(() => import('@/features/platforms/PlatformPage'), 'PlatformPage'),
});

const users = createRoute({
  getParentRoute: () => app,
  path: '/ops/people/users',
  validateSearch: peopleSearch,
  staticData: { capability: 'users.read' },
  loader: () => loadCatalogues('people'),
  component: lazyRouteComponent(() => import('@/features/people/UsersPage'), 'UsersPage'),
});

const reference = createRoute({
  getParentRoute: () => app,
  path: '/reference',
  validateSearch: referenceSearch,
  loader: () => loadCatalogues('reference'),
  component: lazyRouteComponent(
    () => import('@/features/reference/ReferencePage'),
    'ReferencePage',
  ),
});

/** An unknown address keeps the frame of the console around the answer. */
const unknown = createRoute({ getParentRoute: () => app, path: '$', component: NotFound });

const tree = root.addChildren([
  signIn,
  signUp,
  setup,
  app.addChildren([
    home,
    welcome,
    chat,
    requests,
    inspector,
    keys,
    wallet,
    reference,
    account,
    platforms,
    platform,
    users,
    unknown,
  ]),
]);

/** The router of the console; all addresses lie under /console. */
export function createAppRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree: tree,
    basepath: '/console',
    context: { queryClient },
    defaultPreload: 'intent',
    defaultPendingMs: 300,
    scrollRestoration: true,
    defaultNotFoundComponent: NotFound,
    defaultErrorComponent: RouteError,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
  interface StaticDataRouteOption {
    /** Needed to open the page; without it the page says so and asks the server nothing. */
    capability?: string;
  }
}
