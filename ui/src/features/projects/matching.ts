import type { ProjectSummary } from '@/api/types';

export interface Filters {
  q?: string;
  status?: string;
  kind?: string;
}

/** Newest first; every word of the search has to be in its name or its owner's. */
export function matching(projects: readonly ProjectSummary[], { q, status, kind }: Filters): ProjectSummary[] {
  const words = (q ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  return projects
    .filter((project) => {
      const text = `${project.name} ${project.owner}`.toLowerCase();
      return (
        (!status || project.status === status) &&
        (!kind || project.kind === kind) &&
        words.every((word) => text.includes(word))
      );
    })
    .sort((a, b) => b.created_at.localeCompare(a.created_at));
}
