/** What the hub answers when it says no: one shape, with a stable code, a remedy and an id to quote. */

export class HubError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: Record<string, unknown>;
  readonly requestId: string;

  constructor(status: number, body: unknown) {
    const problem = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
    super(typeof problem.message === 'string' ? problem.message : `The hub answered with status ${status}.`);
    this.name = 'HubError';
    this.status = status;
    this.code = typeof problem.code === 'string' ? problem.code : 'http_error';
    this.details = (problem.details ?? {}) as Record<string, unknown>;
    this.requestId = typeof problem.request_id === 'string' ? problem.request_id : '';
  }
}

/** The hub did not answer at all. */
export class HubAway extends Error {
  readonly code = 'hub_away';

  constructor() {
    super('The hub does not answer. The page keeps trying and goes on by itself; nothing you typed is lost.');
    this.name = 'HubAway';
  }
}

/** Errors of fields, as the hub lists them under `details.fields`: `{"body.name": "…"}`. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof HubError)) return {};
  const fields = error.details.fields;
  if (typeof fields !== 'object' || fields === null) return {};
  return Object.fromEntries(
    Object.entries(fields as Record<string, unknown>).map(([name, message]) => [
      name.replace(/^(body|query|path)\./, ''),
      String(message),
    ]),
  );
}
