import { queryOptions } from '@tanstack/react-query';
import { data, hub } from '@/api/client';

export const fileText = (modelId: string, path: string) =>
  queryOptions({
    queryKey: ['model', modelId, 'files', path],
    queryFn: () =>
      data(
        hub.GET('/api/v1/models/{model_id}/files/{path}', {
          params: { path: { model_id: modelId, path } },
          parseAs: 'text',
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY, // a new upload invalidates the model's files
  });
