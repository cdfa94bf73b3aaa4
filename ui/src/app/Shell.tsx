/** What surrounds every page after login: name, where you are, how fresh the data is, who you are. */
import {
  ActionIcon,
  Avatar,
  Box,
  Group,
  Menu,
  Text,
  Tooltip,
  UnstyledButton,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { IconLogout, IconMoon, IconSun, IconUserCog } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useRouter } from '@tanstack/react-router';
import { hub } from '@/api/client';
import { meQuery } from '@/api/queries';
import { session } from '@/api/session';
import { Freshness } from '@/components/Freshness';
import { Mark } from '@/components/Mark';
import { queries } from './queryClient';
import classes from './Shell.module.css';

export function Shell() {
  return (
    <>
      <a href="#content" className="skip">
        Skip to content
      </a>
      <header className={classes.header}>
        <div className={classes.bar}>
          <Link to="/projects" className={classes.brand} aria-label="FLIP, all projects">
            <Mark size={26} />
            <Text fw={600} component="span" fz="md" lts={-0.2}>
              FLIP
            </Text>
          </Link>
          <nav aria-label="Main" className={classes.nav}>
            <Link to="/projects" className={classes.link} activeProps={{ 'data-active': true }}>
              Projects
            </Link>
          </nav>
          <Group gap={6} wrap="nowrap" ml="auto">
            <Freshness />
            <SchemeSwitch />
            <UserMenu />
          </Group>
        </div>
      </header>
      <Box component="main" id="content" className={classes.content} tabIndex={-1}>
        <Outlet />
      </Box>
    </>
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

function UserMenu() {
  const me = useQuery(meQuery()).data;
  const router = useRouter();
  const logout = async () => {
    await hub.POST('/api/v1/auth/logout').catch(() => {}); // the page is left in any case
    session.remember(null);
    queries.clear();
    await router.navigate({ to: '/login' });
  };
  const initials = (me?.name ?? '')
    .split(/\s+/)
    .map((word) => word[0])
    .slice(0, 2)
    .join('');
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <UnstyledButton aria-label={`${initials} · account of ${me?.name ?? 'you'}`} className={classes.user}>
          <Avatar size={30} radius="xl" color="petrol" variant="light">
            {initials || null}
          </Avatar>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Box px="sm" py={6}>
          <Text size="sm" fw={600}>
            {me?.name}
          </Text>
          <Text size="xs" c="dimmed">
            {me?.email}
          </Text>
          <Text size="xs" c="dimmed" tt="capitalize">
            {me?.role}
          </Text>
        </Box>
        <Menu.Divider />
        <Menu.Item leftSection={<IconUserCog size={16} />} component={Link} to="/account">
          Account
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={logout}>
          Log out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
