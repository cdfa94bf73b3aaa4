/** What surrounds every page after login: name, where one may go, how fresh the data is, who one is. */
import {
  ActionIcon,
  Avatar,
  Box,
  Button,
  Group,
  Menu,
  Text,
  Tooltip,
  UnstyledButton,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { IconHelp, IconLogout, IconMenu2, IconMoon, IconRoute, IconSun, IconUserCog } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useRouter } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { hub } from '@/api/client';
import { sessionQuery } from '@/api/queries';
import { session } from '@/api/session';
import type { Session, User } from '@/api/types';
import { Freshness } from '@/components/Freshness';
import { Mark } from '@/components/Mark';
import { SiteNotice } from '@/components/SiteNotice';
import { hasSeen, keepSeen } from '@/features/tour/seen';
import { queries } from './queryClient';
import classes from './Shell.module.css';

const Tour = lazy(async () => ({ default: (await import('@/features/tour/Tour')).Tour }));

export function Shell() {
  const me = useQuery(sessionQuery()).data;
  const role = me?.user.role;
  const [touring, setTouring] = useState<boolean | null>(null);
  const showTour = role !== undefined && !me?.next && (touring ?? !hasSeen(role));
  const endTour = () => {
    if (role) keepSeen(role);
    setTouring(false);
  };
  return (
    <>
      <a href="#content" className="skip">
        Skip to content
      </a>
      <header className={classes.header}>
        <div className={classes.bar}>
          {me && <SmallNav me={me} />}
          <Link to="/projects" className={classes.brand} aria-label="FLIP, all projects">
            <Mark size={26} />
            <Text fw={600} component="span" fz="md" lts={-0.2}>
              FLIP
            </Text>
          </Link>
          <nav aria-label="Main" className={classes.nav}>
            {placesOf(me).map(({ to, name }) => (
              <Link key={to} to={to} className={classes.link} activeProps={{ 'data-active': true }}>
                {name}
              </Link>
            ))}
          </nav>
          <Group gap={6} wrap="nowrap" ml="auto">
            <Freshness />
            <span className={classes.wide}>
              <ActionIcon component={Link} to="/help/glossary" aria-label="Help" size="lg">
                <IconHelp size={18} stroke={1.7} />
              </ActionIcon>
            </span>
            <span className={classes.wide}>
              <SchemeSwitch />
            </span>
            {me ? (
              <UserMenu me={me.user} onTour={() => setTouring(true)} />
            ) : (
              <Button component={Link} to="/login" variant="default" size="xs">
                Log in
              </Button>
            )}
          </Group>
        </div>
      </header>
      <SiteNotice />
      <Box component="main" id="content" className={classes.content} tabIndex={-1}>
        <Outlet />
      </Box>
      {showTour && role && (
        <Suspense>
          <Tour role={role} onEnd={endTour} />
        </Suspense>
      )}
    </>
  );
}

interface Place {
  to: string;
  name: string;
}

/** The hub decides again at each of them; this only spares people ways that would be refused. */
function placesOf(me: Session | undefined): Place[] {
  if (!me) return [];
  const may = (permission: string) => me.permissions.includes(permission);
  return [
    { to: '/projects', name: 'Projects' },
    { to: '/models', name: 'Models' },
    { to: '/connections', name: 'Connections' },
    ...(me.user.role === 'trust_admin' ? [{ to: '/my-trust', name: 'My trust' }] : []),
    ...(may('administer') ? [{ to: '/admin/users', name: 'Admin' }] : []),
  ];
}

/** The same ways where the bar is too narrow for them. */
function SmallNav({ me }: { me: Session }) {
  return (
    <div className={classes.small}>
      <Menu position="bottom-start" width={200}>
        <Menu.Target>
          <ActionIcon aria-label="Menu" size="lg">
            <IconMenu2 size={19} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {placesOf(me).map(({ to, name }) => (
            <Menu.Item key={to} component={Link} to={to}>
              {name}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}

export function SchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light') === 'dark';
  const label = dark ? 'Use light colours' : 'Use dark colours';
  return (
    <Tooltip label={label}>
      <ActionIcon aria-label={label} size="lg" onClick={() => setColorScheme(dark ? 'light' : 'dark')}>
        {dark ? <IconSun size={18} stroke={1.7} /> : <IconMoon size={18} stroke={1.7} />}
      </ActionIcon>
    </Tooltip>
  );
}

function UserMenu({ me, onTour }: { me: User; onTour: () => void }) {
  const router = useRouter();
  const logout = async () => {
    await hub.POST('/api/v1/auth/logout').catch(() => {}); // the page is left in any case
    session.remember(null);
    queries.clear();
    await router.navigate({ to: '/login' });
  };
  const initials = me.name
    .split(/\s+/)
    .map((word) => word[0])
    .slice(0, 2)
    .join('');
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <UnstyledButton aria-label={`${initials} · account of ${me.name}`} className={classes.user}>
          <Avatar size={30} radius="xl" color="petrol" variant="light">
            {initials || null}
          </Avatar>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Box px="sm" py={6}>
          <Text size="sm" fw={600}>
            {me.name}
          </Text>
          <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {me.email}
          </Text>
          <Text size="xs" c="dimmed">
            {me.role.replace('_', ' ').replace(/^./, (first) => first.toUpperCase())}
          </Text>
        </Box>
        <Menu.Divider />
        <Menu.Item leftSection={<IconUserCog size={16} />} component={Link} to="/account">
          Account
        </Menu.Item>
        <Menu.Item leftSection={<IconHelp size={16} />} component={Link} to="/help/glossary">
          Help
        </Menu.Item>
        <Menu.Item leftSection={<IconRoute size={16} />} onClick={onTour}>
          First steps
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={logout}>
          Log out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
