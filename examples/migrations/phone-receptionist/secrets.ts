import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { ReceptionistDatabase } from './legacy-schema.ts';

/** Seals a text with AES-256-GCM, bound to where it stands: moved to another row it does not open. */
function seal(key: Uint8Array, place: string, text: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
}

/** Opens what {@link seal} sealed; throws when it was changed, moved, or sealed with another key. */
export function open(key: Uint8Array, place: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
    .setAAD(Buffer.from(place))
    .setAuthTag(bytes.subarray(12, 28));
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
}

/** The place of a business's Twilio token. */
export const twilioPlace = (business: number): string => `businesses.twilio_auth_token:${business}`;

/**
 * Seals the Twilio tokens of all businesses and takes away the plain text, in batches. It can be stopped and run again.
 * Run it when the old application is gone: the old one cannot read sealed tokens.
 *
 * @returns How many were sealed.
 */
export async function sealTwilioTokens(db: Kysely<ReceptionistDatabase>, key: Uint8Array): Promise<number> {
  const sealed = db.withTables<{ businesses: { twilio_auth_token_sealed: string | null } }>();
  let count = 0;
  for (;;) {
    const plain = await sealed
      .selectFrom('businesses')
      .select(['id', 'twilio_auth_token'])
      .where('twilio_auth_token', 'is not', null)
      .limit(500)
      .execute();
    if (plain.length === 0) return count;
    for (const { id, twilio_auth_token: token } of plain) {
      if (token === null) continue;
      await sealed
        .updateTable('businesses')
        .set({ twilio_auth_token_sealed: seal(key, twilioPlace(id), token), twilio_auth_token: null })
        .where('id', '=', id)
        .where('twilio_auth_token', '=', token)
        .execute();
      count += 1;
    }
  }
}
