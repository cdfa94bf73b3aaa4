import '@fontsource-variable/geist';
import '@fontsource-variable/geist-mono';
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './app/styles.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { startKnocking } from './api/live';
import { session } from './api/session';
import { keepFocus } from './app/focus';
import { queries } from './app/queryClient';
import { router } from './app/router';
import { theme, variables } from './app/theme';

startKnocking(queries);
keepFocus();
session.whenEnded(() => {
  queries.clear();
  const { pathname, searchStr } = router.state.location;
  if (pathname !== '/login')
    void router.navigate({ to: '/login', search: { next: pathname + searchStr, ended: true } });
});

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto">
      <Notifications position="bottom-right" />
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
