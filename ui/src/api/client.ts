/** The one way to the hub: typed by the OpenAPI document, with our errors. */
import createClient, { type Middleware } from 'openapi-fetch';
import { contact } from './contact';
import { HubAway, HubError } from './errors';
import type { paths } from './schema';
import { session } from './session';

/** Asking who we are, and logging in, may be answered with 401 without anything having ended. */
const MAY_BE_NOBODY = new Set(['/api/v1/auth/login', '/api/v1/auth/session', '/api/v1/auth/logout']);

const guard: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(session.headers(request.method))) request.headers.set(name, value);
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
    if (response.status === 401 && !MAY_BE_NOBODY.has(schemaPath)) session.ended();
    throw error;
  },
  onError({ error }) {
    if (error instanceof HubError || error instanceof HubAway) return error;
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
