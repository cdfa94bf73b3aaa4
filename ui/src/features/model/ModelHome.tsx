import { Navigate } from '@tanstack/react-router';
import { useModel } from './useModel';

/** Opens where the work is: files before the first run, the live panel during one, the metrics after it. */
export function ModelHome() {
  const { modelId, runs, active } = useModel();
  if (!runs) return null;
  const to = active ? '/models/$modelId/live' : runs.length ? '/models/$modelId/metrics' : '/models/$modelId/files';
  return <Navigate to={to} params={{ modelId }} replace />;
}
