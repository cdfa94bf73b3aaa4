import { ActionIcon, Avatar, Button, Group, TextInput, Tooltip } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { hub } from '@/api/client';
import type { Project } from '@/api/types';
import { queries } from '@/app/queryClient';
import { Card } from '@/components/Card';
import { ErrorNote } from '@/components/ErrorNote';
import classes from './ProjectPage.module.css';

export function MembersCard({ project, mayOwn }: { project: Project; mayOwn: boolean }) {
  const [email, setEmail] = useState('');
  const path = { project_id: project.id };
  const done = () => queries.invalidateQueries({ queryKey: ['project', project.id] });
  const add = useMutation({
    mutationFn: () => hub.POST('/api/v1/projects/{project_id}/members', { params: { path }, body: { email } }),
    onSuccess: () => {
      setEmail('');
      return done();
    },
  });
  const remove = useMutation({
    mutationFn: (person: string) =>
      hub.DELETE('/api/v1/projects/{project_id}/members/{person_id}', {
        params: { path: { ...path, person_id: person } },
      }),
    onSuccess: done,
  });
  const members = project.members.filter((person) => person.id !== project.owner.id);
  return (
    <Card title="People">
      <Person name={project.owner.name} note="Owner" />
      {members.map((person) => (
        <Person key={person.id} name={person.name} note={person.email}>
          {mayOwn && (
            <Tooltip label="Remove">
              <ActionIcon aria-label={`Remove ${person.name}`} onClick={() => remove.mutate(person.id)}>
                <IconX size={15} />
              </ActionIcon>
            </Tooltip>
          )}
        </Person>
      ))}
      {(add.error || remove.error) && <ErrorNote error={add.error ?? remove.error} />}
      {mayOwn && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (email) add.mutate();
          }}
        >
          <Group gap={8} mt={8} wrap="nowrap">
            <TextInput
              aria-label="E-mail of a new member"
              placeholder="colleague@hospital.example"
              type="email"
              size="xs"
              style={{ flex: 1 }}
              value={email}
              onChange={(event) => setEmail(event.currentTarget.value)}
            />
            <Button type="submit" size="xs" variant="default" loading={add.isPending}>
              Add
            </Button>
          </Group>
        </form>
      )}
    </Card>
  );
}

function Person({ name, note, children }: { name: string; note: string; children?: React.ReactNode }) {
  return (
    <div className={classes.person}>
      <Avatar size={28} radius="xl" color="petrol" variant="light">
        {name[0]}
      </Avatar>
      <div className={classes.grow}>
        {name}
        <small>{note}</small>
      </div>
      {children}
    </div>
  );
}
