import type { Project } from '@/api/types';
import { Card } from '@/components/Card';
import { SeriesWords } from '../series/SeriesWords';

export function SeriesCard({ project }: { project: Project }) {
  return (
    <Card title="Image series" note="Of each study, each trust takes:">
      <SeriesWords rule={project.series_rule} />
    </Card>
  );
}
