/**
 * Billing: subscriptions, invoices, payments and seats, behind a seam for providers.
 *
 * @packageDocumentation
 */

export {};
