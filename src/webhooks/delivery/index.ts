/**
 * Outgoing webhooks: endpoints, the catalogue of events, and their delivery.
 *
 * @packageDocumentation
 */

export {};
