import type { ErrorDetails, ErrorRow } from './error-codes.ts';

type Codes =
  | 'webhook_signature_invalid'
  | 'webhook_secret_invalid'
  | 'webhook_endpoint_not_found'
  | 'webhook_message_not_found'
  | 'webhook_event_invalid'
  | 'url_refused'
  | 'fetch_failed';

/** What webhooks and requests to addresses of others say. */
export const webhookErrors: { readonly [Code in Codes]: ErrorRow<ErrorDetails[Code]> } = {
  webhook_signature_invalid: {
    status: 400,
    title: 'Webhook not verified',
    detail: (d) => `the webhook could not be verified: ${d.reason}`,
  },
  webhook_secret_invalid: { status: 500, title: 'Invalid webhook secret', detail: (d) => d.problem },
  webhook_endpoint_not_found: {
    status: 404,
    title: 'Webhook endpoint not found',
    detail: (d) => `there is no endpoint "${d.endpoint}" here`,
  },
  webhook_message_not_found: {
    status: 404,
    title: 'Webhook message not found',
    detail: (d) => `there is no message "${d.message}" here`,
  },
  webhook_event_invalid: {
    status: 400,
    title: 'Invalid webhook event',
    detail: (d) => `"${d.type}" cannot be published: ${d.problem}`,
  },
  url_refused: {
    status: 400,
    title: 'URL refused',
    detail: (d) => `no request is sent to "${d.host}": ${d.reason}`,
  },
  fetch_failed: {
    status: 502,
    title: 'Request failed',
    detail: (d) => `the request to "${d.host}" failed: ${d.reason}`,
  },
};
