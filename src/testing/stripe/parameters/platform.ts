/** Operations and what they take, as scripts/stripe-parameters.ts wrote them. */
export const platformOperations = {
  Events_list: `GET /v1/events {created:n|{gt:n gte:n lt:n lte:n} delivery_success:b expand:s[] type:s types:s[]
ending_before:s limit:n starting_after:s}`,
  Events_retrieve: `GET /v1/events/{id} {expand:s[]}`,
  WebhookEndpoints_del: `DELETE /v1/webhook_endpoints/{id}`,
  WebhookEndpoints_retrieve: `GET /v1/webhook_endpoints/{id} {expand:s[]}`,
  WebhookEndpoints_update: `POST /v1/webhook_endpoints/{id} {description:s disabled:b enabled_events:s[] expand:s[] metadata:{*} url:s}`,
  WebhookEndpoints_list: `GET /v1/webhook_endpoints {expand:s[] ending_before:s limit:n starting_after:s}`,
  WebhookEndpoints_create: `POST /v1/webhook_endpoints {enabled_events!:s[] url!:s api_version:s connect:b description:s expand:s[]
metadata:{*}}`,
};
