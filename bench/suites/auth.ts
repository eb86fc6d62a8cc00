import { createPublicKey } from 'node:crypto';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import bcryptjs from 'bcryptjs';
import { jwtVerify } from 'jose';
import { type Auth, createAuth, createSigningKey } from '../../src/auth/index.ts';
import { createTenancy, perUser } from '../../src/tenancy/index.ts';
import { type Bench, median, type Row, rounded, type Suite } from '../harness.ts';

const password = 'correct horse battery staple';
const issuer = 'https://auth.bench.example';
const audience = 'https://api.bench.example';

/**
 * Logins by argon2id: how long one of an unknown user takes against one of a known user with a wrong password; for how long
 * four at once hold the event loop, against four comparisons of bcryptjs in the main thread; and the verification of a
 * token against jose alone. The first two are times in milliseconds: a ratio of 1 and a lower one are better.
 */
export const suite: Suite = async (bench) => {
  const { db } = await bench.database();
  const key = await createSigningKey();
  const tenancy = createTenancy({ db, strategy: perUser() });
  const auth = createAuth({ db, tenancy, issuer, audience, keys: [key] });
  const made = await auth.signUp({ email: 'known@bench.example', password });
  if (!made.ok || made.started === null) throw new Error('not signed up');
  const { accessToken } = made.started.tokens;
  return [
    await unknownAndKnown(bench, auth),
    await longestBlock(bench, auth),
    ...(await bench.compare({
      name: 'verify-token/jose',
      at: [1],
      async ours() {
        if (!(await auth.verifyToken(accessToken)).ok) throw new Error('refused');
      },
      reference: bareJose(accessToken, key),
    })),
  ];
};

async function unknownAndKnown(bench: Bench, auth: Auth<never>): Promise<Row> {
  const took = async (email: string, n: number): Promise<number> => {
    const begun = performance.now();
    const result = await auth.login({ email, password: 'wrong wrong wrong', ip: `192.0.2.${n % 250}` });
    if (result.ok || result.reason !== 'invalid_credentials') throw new Error('not compared');
    return performance.now() - begun;
  };
  for (let n = 0; n < 5; n += 1) await took('warm@bench.example', n);
  const unknown: number[] = [];
  const known: number[] = [];
  for (let n = 0; n < 200; n += 1) {
    // By turns, and each first in turn, so that whatever slows the machine down slows both.
    const first = n % 2 === 0;
    if (first) unknown.push(await took(`nobody${n}@bench.example`, n));
    known.push(await took('known@bench.example', n));
    if (!first) unknown.push(await took(`nobody${n}@bench.example`, n));
  }
  const ratios = Array.from({ length: 10 }, (_, part) => {
    const of = (times: readonly number[]) => median(times.slice(part * 20, part * 20 + 20));
    return of(unknown) / of(known);
  });
  return reported(bench, {
    name: 'login-unknown/login-known',
    at: 1,
    ours: median(unknown),
    reference: median(known),
    ratios,
  });
}

async function longestBlock(bench: Bench, auth: Auth<never>): Promise<Row> {
  const hash = bcryptjs.hashSync(password, 12);
  const four = <Result>(work: () => Promise<Result>) => Promise.all(Array.from({ length: 4 }, work));
  const login = () => auth.login({ email: 'known@bench.example', password, ip: null });
  await four(login);
  const rounds = bench.quick ? 5 : 11;
  const ours: number[] = [];
  const reference: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await blockDuring(() => four(login)));
    reference.push(await blockDuring(() => four(() => bcryptjs.compare(password, hash))));
  }
  const ratios = ours.map((block, round) => block / (reference[round] ?? Number.NaN));
  const row = { name: 'loop-block-logins/bcryptjs', at: 4, ours: Math.max(...ours), reference: Math.max(...reference) };
  return reported(bench, { ...row, ratios });
}

/** The longest time for which nothing else ran, in milliseconds. */
async function blockDuring(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.reset();
  await work();
  await new Promise((resolve) => setTimeout(resolve, 5));
  delay.disable();
  return delay.max / 1e6;
}

function bareJose(token: string, jwk: Readonly<Record<string, unknown>>): () => Promise<unknown> {
  const { kty, crv, x } = jwk;
  const key = createPublicKey({ key: { kty: String(kty), crv: String(crv), x: String(x) }, format: 'jwk' });
  return () => jwtVerify(token, key, { issuer, audience, typ: 'at+jwt', algorithms: ['EdDSA'] });
}

function reported(
  bench: Bench,
  {
    name,
    at,
    ours,
    reference,
    ratios,
  }: Pick<Row, 'name' | 'at' | 'ours' | 'reference'> & { readonly ratios: readonly number[] },
): Row {
  const row: Row = {
    name,
    at,
    unit: 'ms',
    ours: rounded(ours),
    reference: rounded(reference),
    ratio: rounded(ours / reference),
    spread: [rounded(Math.min(...ratios)), rounded(Math.max(...ratios))],
  };
  bench.report(row);
  return row;
}
