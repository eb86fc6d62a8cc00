import { createHmac } from 'node:crypto';

/** The value of the header `stripe-signature` for a body: scheme v1, HMAC-SHA-256 over `<time>.<body>`. */
export function signStripe(body: string, secret: string, seconds: number): string {
  const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${signature}`;
}
