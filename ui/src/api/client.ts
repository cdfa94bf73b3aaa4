/** The one way to the hub: typed by the OpenAPI document, with our errors. */
import createClient, { type Middleware } from 'openapi-fetch';
import { contact } from './contact';
import { HubAway, HubError } from './errors';
import type { paths } from './schema';
import { session } from './session';

const guard: Middleware = {
  onRequest({ request }) {
    if (session.token) request.headers.set('authorization', `Bearer ${session.token}`);
    return request;
  },
  async onResponse({ response, schemaPath }) {
    if (response.status >= 502 && response.status <= 504) {
      contact.failed();
      throw new HubAway();
    }
    contact.heard();
    if (response.ok) return;
    const error = new HubError(response.status, await response.json().catch(() => null));
    if (response.status === 401 && schemaPath !== '/api/v1/auth/login') session.ended();
    throw error;
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === 'AbortError') return error;
    contact.failed();
    return new HubAway();
  },
};

export const hub = createClient<paths>({ baseUrl: location.origin });
hub.use(guard);

/** The data of an answer that is not an error; errors were thrown before. */
export async function data<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}
