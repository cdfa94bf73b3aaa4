/** What the admin's panels read. None of it is told by an event, so it is asked for. */
import { queryOptions } from '@tanstack/react-query';
import { data, hub } from '@/api/client';
import type { AccessRequest, Role } from '@/api/types';

const OFTEN_MS = 4000;

export const accessRequestsQuery = (state: AccessRequest['state'] | undefined) =>
  queryOptions({
    queryKey: ['access-requests', state],
    queryFn: () => data(hub.GET('/api/v1/access-requests', { params: { query: { state, limit: 200 } } })),
    refetchInterval: OFTEN_MS,
  });

export const invitationsQuery = () =>
  queryOptions({
    queryKey: ['invitations'],
    queryFn: () => data(hub.GET('/api/v1/invitations', { params: { query: { limit: 200 } } })),
    refetchInterval: OFTEN_MS,
  });

export const netsQuery = () =>
  queryOptions({ queryKey: ['nets'], queryFn: () => data(hub.GET('/api/v1/nets')), refetchInterval: OFTEN_MS });

export const settingsQuery = () =>
  queryOptions({ queryKey: ['settings'], queryFn: () => data(hub.GET('/api/v1/site/settings')) });

export const ROLES: { value: Role; label: string; what: string }[] = [
  { value: 'researcher', label: 'Researcher', what: 'Makes projects, asks cohorts, trains models.' },
  { value: 'trust_admin', label: 'Trust admin', what: 'Speaks for one or more trusts: sees what is asked of them.' },
  { value: 'viewer', label: 'Viewer', what: 'Sees the projects that it is a member of.' },
  { value: 'admin', label: 'Admin', what: 'Looks after the hub, its people and its trusts.' },
];
export const roleName = (role: Role) => ROLES.find((one) => one.value === role)?.label ?? role;
