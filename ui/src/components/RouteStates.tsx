import { Button, Container } from '@mantine/core';
import { IconMapQuestion } from '@tabler/icons-react';
import { type ErrorComponentProps, Link } from '@tanstack/react-router';
import { EmptyNote } from './EmptyNote';
import { ErrorNote } from './ErrorNote';

export function NotFound() {
  return (
    <EmptyNote
      icon={<IconMapQuestion size={24} />}
      title="There is no such page"
      action={
        <Button component={Link} to="/projects">
          To the projects
        </Button>
      }
    >
      The address leads nowhere, or to something that is not yours to see. A hidden project looks the same as a missing
      one.
    </EmptyNote>
  );
}

export function RouteError({ error, reset }: ErrorComponentProps) {
  return (
    <Container size="sm" py="xl">
      <ErrorNote error={error} title="The page could not be shown" retry={reset} />
    </Container>
  );
}
