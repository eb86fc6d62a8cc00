import { type SecretBox, TenantryError } from '../../../core/index.ts';
import { createWebhookKeyPair } from '../../signature/create-webhook-key-pair.ts';
import { createWebhookSecret } from '../../signature/create-webhook-secret.ts';
import { publicKeyOf, webhookKey } from '../../signature/webhook-key.ts';
import type { EndpointRef } from '../toolbox.ts';
import type { ShownSecret, SignatureKind } from './endpoint.ts';
import type { SealedSecret } from './endpoint-store.ts';

/** Which secret is made. */
export interface SecretChoice {
  /** How messages are signed; `v1` when absent. */
  readonly signature?: SignatureKind;
  /** A secret that receivers have already, of another system: `whsec_…` or `whsk_…`; a new one when absent. */
  readonly secret?: string;
}

/** The place of a secret in the database, to which it is bound. */
export function secretPlace({ tenantId }: Pick<EndpointRef, 'tenantId'>, secretId: string) {
  return { tenantId, column: 'webhook_endpoint_secrets.secret', rowId: secretId };
}

/** The place of the headers of an endpoint. */
export function headersPlace({ tenantId, endpointId }: EndpointRef) {
  return { tenantId, column: 'webhook_endpoints.headers', rowId: endpointId };
}

/**
 * Makes a secret, or reads one that is brought along: as it is stored, and as it is shown once.
 *
 * @throws TenantryError `webhook_secret_invalid`; `name_invalid` for a kind of signature that is none.
 */
export function makeSecret(
  box: SecretBox,
  ref: EndpointRef,
  { signature = 'v1', secret }: SecretChoice,
  { id, now }: { readonly id: string; readonly now: Date },
): { readonly sealed: SealedSecret; readonly shown: ShownSecret } {
  if (signature !== 'v1' && signature !== 'v1a') {
    throw new TenantryError('name_invalid', { field: 'signature', problem: 'must be v1 or v1a' });
  }
  const text = secret ?? (signature === 'v1' ? createWebhookSecret() : createWebhookKeyPair().secretKey);
  const key = webhookKey(text);
  if (secret !== undefined && key.version !== signature) {
    throw new TenantryError('webhook_secret_invalid', { problem: `this is no secret for ${signature}` });
  }
  const publicKey = key.version === 'v1a' ? publicKeyOf(key) : null;
  const shared = { id, kind: signature, publicKey, expiresAt: null };
  return {
    sealed: { ...shared, sealed: box.seal(text, secretPlace(ref, id)) },
    shown: { ...shared, createdAt: now, verifyWith: publicKey ?? text },
  };
}
