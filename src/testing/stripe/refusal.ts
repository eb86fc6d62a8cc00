/** The `error` object of an answer that refuses. */
export interface RefusalBody {
  readonly type:
    | 'api_error'
    | 'card_error'
    | 'idempotency_error'
    | 'invalid_request_error'
    | 'rate_limit_error'
    | 'authentication_error';
  readonly code?: string;
  readonly message: string;
  readonly param?: string;
  readonly decline_code?: string;
  readonly doc_url?: string;
}

/** A request that Stripe refuses: an HTTP status and the `error` object of the body. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: RefusalBody;

  constructor(status: number, body: RefusalBody) {
    super(body.message);
    this.name = 'Refusal';
    this.status = status;
    this.body = body;
  }
}

/** 400: the request makes no sense, or not in this state. */
export function invalid(message: string, details: { readonly code?: string; readonly param?: string } = {}): Refusal {
  return new Refusal(400, { type: 'invalid_request_error', message, ...details });
}

/** 404: nothing has this id. */
export function missing(what: string, id: string, param = 'id'): Refusal {
  const message = `No such ${what}: '${id}'`;
  return new Refusal(404, { type: 'invalid_request_error', code: 'resource_missing', message, param });
}

/** 400: what a parameter names does not exist. Stripe answers 404 only where the path names it. */
export function dangling(what: string, id: string, param: string): Refusal {
  return invalid(`No such ${what}: '${id}'`, { code: 'resource_missing', param });
}

/** 402: the card was declined. */
export function declined(decline: string): Refusal {
  const code = decline === 'authentication_required' ? 'authentication_required' : 'card_declined';
  const message =
    code === 'card_declined'
      ? 'Your card was declined.'
      : 'Your card was declined. This transaction requires authentication.';
  return new Refusal(402, { type: 'card_error', code, decline_code: decline, message });
}
