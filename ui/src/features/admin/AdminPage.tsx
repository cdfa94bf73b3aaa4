/** What the hub's admins look after, a panel for each. */
import { useQuery } from '@tanstack/react-query';
import { Outlet } from '@tanstack/react-router';
import { mayQuery } from '@/api/queries';
import { PageHead } from '@/components/PageHead';
import { PanelNav } from '@/components/PanelNav';
import { NotFound } from '@/components/RouteStates';
import { accessRequestsQuery } from './queries';

export function AdminPage() {
  const may = useQuery(mayQuery('administer')).data;
  const waiting = useQuery({ ...accessRequestsQuery('pending'), enabled: may === true }).data?.items.length;
  if (may === undefined) return null;
  if (!may) return <NotFound />;
  return (
    <>
      <PageHead
        title="Admin"
        note="Who may use this hub, which hospitals belong to it, and what everyone should know."
      />
      <PanelNav
        label="Panels of the admin page"
        panels={[
          { to: '/admin/users', name: 'Users' },
          { to: '/admin/access-requests', name: 'Access requests', count: waiting },
          { to: '/admin/trusts', name: 'Trusts' },
          { to: '/admin/nets', name: 'Nets' },
          { to: '/admin/site', name: 'Banner and mode' },
          { to: '/admin/audit', name: 'Audit' },
          { to: '/admin/mails', name: 'Mails' },
          { to: '/admin/settings', name: 'Settings' },
        ]}
      />
      <Outlet />
    </>
  );
}
