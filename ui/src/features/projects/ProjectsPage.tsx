import { Button, SegmentedControl, Select, Skeleton, Text, TextInput } from '@mantine/core';
import { IconFolderPlus, IconLayoutGrid, IconList, IconPlus, IconSearch, IconStack2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { mayQuery, projectsQuery } from '@/api/queries';
import type { ProjectsSearch } from '@/app/routes/projects';
import { EmptyNote } from '@/components/EmptyNote';
import { ErrorNote } from '@/components/ErrorNote';
import { PageHead } from '@/components/PageHead';
import { CreateProject } from './CreateProject';
import { matching } from './matching';
import { ProjectCards } from './ProjectCards';
import classes from './ProjectsPage.module.css';
import { ProjectTable } from './ProjectTable';

export function ProjectsPage() {
  const search = useSearch({ from: '/inside/projects' });
  const navigate = useNavigate({ from: '/projects' });
  const change = (part: Partial<ProjectsSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...part }), replace: true });
  const { data: page, error, refetch } = useQuery(projectsQuery());
  const projects = page?.items;
  const mayCreate = useQuery(mayQuery('create_projects')).data ?? false;
  const shown = projects && matching(projects, search);
  const filtered = Boolean(search.q || search.status || search.kind);

  return (
    <>
      <PageHead
        title="Projects"
        note="A project is one research question: its cohort, the trusts that say yes to it, and the models trained on it."
        actions={
          mayCreate && (
            <Button leftSection={<IconPlus size={16} />} onClick={() => change({ new: true })}>
              New project
            </Button>
          )
        }
      />
      <search className={classes.filters}>
        <TextInput
          aria-label="Search projects"
          placeholder="Search by name or owner"
          leftSection={<IconSearch size={16} />}
          defaultValue={search.q ?? ''}
          onChange={(event) => change({ q: event.currentTarget.value || undefined })}
          className={classes.search}
        />
        <Select
          aria-label="Status"
          placeholder="Any status"
          clearable
          data={[
            { value: 'UNSTAGED', label: 'Draft' },
            { value: 'STAGED', label: 'Staged' },
            { value: 'APPROVED', label: 'Approved' },
          ]}
          value={search.status ?? null}
          onChange={(status) => change({ status: status ?? undefined })}
          w={140}
        />
        <Select
          aria-label="Type"
          placeholder="Any type"
          clearable
          data={[
            { value: 'imaging', label: 'Imaging' },
            { value: 'tabular', label: 'Tabular' },
          ]}
          value={search.kind ?? null}
          onChange={(kind) => change({ kind: kind ?? undefined })}
          w={130}
        />
        {projects && (
          <Text size="sm" c="dimmed" className="num" role="status">
            {filtered
              ? `${shown?.length} of ${projects.length}`
              : `${projects.length}${page?.next_cursor ? '+' : ''} in all`}
          </Text>
        )}
        <SegmentedControl
          className={classes.view}
          aria-label="View"
          size="xs"
          value={search.view ?? 'cards'}
          onChange={(view) => change({ view: view === 'table' ? 'table' : undefined })}
          data={[
            { value: 'cards', label: <ViewLabel icon={<IconLayoutGrid size={16} />} text="Cards" /> },
            { value: 'table', label: <ViewLabel icon={<IconList size={16} />} text="Table" /> },
          ]}
        />
      </search>

      {error && !projects && <ErrorNote error={error} retry={refetch} title="The projects could not be read" />}
      {!projects && !error && (
        <div className={classes.grid} aria-busy="true">
          {['a', 'b', 'c'].map((key) => (
            <Skeleton key={key} height={206} radius="lg" />
          ))}
        </div>
      )}
      {shown?.length === 0 && (
        <div className={classes.empty}>
          {filtered ? (
            <EmptyNote
              icon={<IconSearch size={22} />}
              title="No project matches"
              action={
                <Button variant="default" onClick={() => change({ q: undefined, status: undefined, kind: undefined })}>
                  Show all
                </Button>
              }
            >
              Change the words or the filters.
            </EmptyNote>
          ) : (
            <EmptyNote
              icon={mayCreate ? <IconFolderPlus size={24} /> : <IconStack2 size={24} />}
              title={mayCreate ? 'Start your first project' : 'No project is shared with you yet'}
              action={
                mayCreate && (
                  <Button variant="default" leftSection={<IconPlus size={16} />} onClick={() => change({ new: true })}>
                    New project
                  </Button>
                )
              }
            >
              {mayCreate
                ? 'Name the question, say what it is for, then write the SQL that finds its cohort. Trusts answer with counts only.'
                : 'Ask a project’s owner to add you as a member.'}
            </EmptyNote>
          )}
        </div>
      )}
      {shown &&
        shown.length > 0 &&
        (search.view === 'table' ? <ProjectTable projects={shown} /> : <ProjectCards projects={shown} />)}
      <CreateProject opened={search.new === true} onClose={() => change({ new: undefined })} />
    </>
  );
}

function ViewLabel({ icon, text }: { icon: React.ReactNode; text: string }) {
  return (
    <span className={classes.viewLabel}>
      {icon}
      <span className="visually-hidden">{text}</span>
    </span>
  );
}
