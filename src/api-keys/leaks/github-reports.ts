import { createPublicKey, type KeyObject, verify as verifySignature } from 'node:crypto';
import { type Clock, type HeadersLike, readHeader, systemClock } from '../../core/index.ts';
import type { ApiKeys } from '../api-keys-interface.ts';

/** A request of GitHub, as it came. */
export interface GithubReport {
  readonly headers: HeadersLike;
  /** The body exactly as it was received: a parsed and rewritten one has another signature. */
  readonly body: string | Uint8Array;
}

/** What is answered to GitHub. */
export interface GithubAnswer {
  /** 200: understood; 400: not to be understood; 401: not signed by GitHub; 503: GitHub's keys could not be had. */
  readonly status: 200 | 400 | 401 | 503;
  /** Whether each reported secret is one of ours, as GitHub asks for it; JSON. */
  readonly body: readonly {
    readonly token_raw: string;
    readonly token_type: string;
    readonly label: 'true_positive' | 'false_positive';
  }[];
}

/** What {@link createGithubReports} is made from. */
export interface GithubReportsOptions {
  readonly apiKeys: Pick<ApiKeys, 'reportLeak'>;
  /** How GitHub's public keys are had; `fetch` of Node when absent. */
  readonly fetch?: (url: string) => Promise<Pick<Response, 'ok' | 'json'>>;
  /** Where they are. */
  readonly url?: string;
  readonly clock?: Clock;
}

const keysUrl = 'https://api.github.com/meta/public_keys/secret_scanning';
const mostReports = 1000;
const longestBody = 5_000_000;

/** How soon the keys are asked for again when a report names one that is not known, and how long they are kept. */
const soonest = 60_000;
const longest = 24 * 3_600_000;

/**
 * Makes the handler for reports of GitHub's secret scanning: secrets of ours that were found in public code. A report is
 * believed only when GitHub signed it (ECDSA over P-256 and SHA-256, `Github-Public-Key-Identifier` and
 * `Github-Public-Key-Signature`). Each secret in it is ended by {@link ApiKeys.reportLeak}, whose events tell the owner.
 * GitHub reports at least once: doing it again changes nothing.
 *
 * @see https://docs.github.com/en/code-security/secret-scanning/secret-scanning-partnership-program
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { createApiKeys, createGithubReports } from 'tenantry/api-keys';
 *
 * const db = new Kysely<Record<string, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * const receive = createGithubReports({ apiKeys: createApiKeys({ db, prefix: 'hc' }) });
 * const { status, body } = await receive({ headers: {}, body: '[]' }); // 401: nobody signed it
 * ```
 */
export function createGithubReports({
  apiKeys,
  fetch: get = fetch,
  url = keysUrl,
  clock = systemClock,
}: GithubReportsOptions): (report: GithubReport) => Promise<GithubAnswer> {
  let known = new Map<string, KeyObject>();
  let askedAt = Number.NEGATIVE_INFINITY;

  /** Whoever sends made-up identifiers makes us ask GitHub once in a minute, and no more. */
  async function publicKey(identifier: string): Promise<KeyObject | undefined | 'unavailable'> {
    const now = clock().getTime();
    const age = Math.abs(now - askedAt);
    if (age >= longest || (!known.has(identifier) && age >= soonest)) {
      askedAt = now;
      try {
        const response = await get(url);
        if (!response.ok) throw new Error('GitHub did not give its keys');
        known = keysOf(await response.json());
      } catch {
        // What was had before is as good as it was; the next report asks again.
        askedAt = Number.NEGATIVE_INFINITY;
        return known.get(identifier) ?? 'unavailable';
      }
    }
    return known.get(identifier);
  }

  return async ({ headers, body }) => {
    const identifier = readHeader(headers, 'github-public-key-identifier') ?? '';
    const signature = readHeader(headers, 'github-public-key-signature') ?? '';
    if (identifier === '' || signature === '' || signature.length > 1000) return { status: 401, body: [] };
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    if (bytes.length > longestBody) return { status: 400, body: [] };
    const key = await publicKey(identifier);
    if (key === 'unavailable') return { status: 503, body: [] };
    if (key === undefined || !isSigned(bytes, key, signature)) return { status: 401, body: [] };
    const reports = readReports(bytes);
    if (reports === undefined) return { status: 400, body: [] };
    const answers: GithubAnswer['body'][number][] = [];
    for (const { token, type, url: where } of reports) {
      const outcome = await apiKeys.reportLeak({ secret: token, source: 'github', url: where });
      answers.push({
        token_raw: token,
        token_type: type,
        label: outcome === null ? 'false_positive' : 'true_positive',
      });
    }
    return { status: 200, body: answers };
  };
}

function isSigned(body: Uint8Array, key: KeyObject, signature: string): boolean {
  try {
    return verifySignature('sha256', body, key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}

/** The keys of GitHub's answer that are of the one kind it signs with. */
function keysOf(answer: unknown): Map<string, KeyObject> {
  const keys = new Map<string, KeyObject>();
  const list: unknown = fieldOf(answer, 'public_keys');
  if (!Array.isArray(list)) throw new Error('GitHub gave something else than its keys');
  for (const entry of list.slice(0, 100)) {
    const identifier = fieldOf(entry, 'key_identifier');
    const pem = fieldOf(entry, 'key');
    if (typeof identifier !== 'string' || typeof pem !== 'string') continue;
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1')
      keys.set(identifier, key);
  }
  return keys;
}

interface Reported {
  readonly token: string;
  readonly type: string;
  readonly url: string | null;
}

function readReports(body: Uint8Array): readonly Reported[] | undefined {
  let list: unknown;
  try {
    list = JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(list) || list.length > mostReports) return undefined;
  const reports: Reported[] = [];
  for (const entry of list) {
    const [token, type, url] = ['token', 'type', 'url'].map((name) => fieldOf(entry, name));
    if (typeof token !== 'string') return undefined;
    reports.push({ token, type: typeof type === 'string' ? type : '', url: shownUrl(url) });
  }
  return reports;
}

/** What is kept of an address must be storable, and short. */
function shownUrl(url: unknown): string | null {
  return typeof url === 'string' && url !== '' ? encodeURI(Buffer.from(url).toString()).slice(0, 2000) : null;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
