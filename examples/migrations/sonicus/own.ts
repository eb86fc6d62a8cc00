import { type Kysely, sql } from 'kysely';
import { TenantryError, trusted } from 'tenantry';
import { found, refusal } from '../refusal.ts';
import { type PersonalPlan, type PersonalQueries, subscribe } from './application.ts';
import type { SonicusDatabase } from './legacy-schema.ts';
import type { Sonicus } from './login.ts';

type Visitor = Awaited<ReturnType<Sonicus['access']['authenticate']>>;

/** What a user does for themselves, beside looking: each in one transaction. */
export function createOwn({ tenancy, plans }: Sonicus, db: Kysely<SonicusDatabase>) {
  const within = <Result>(
    tenantId: string,
    work: (queries: PersonalQueries, tx: { readonly db: Kysely<SonicusDatabase> }) => Promise<Result>,
  ): Promise<Result> => db.transaction().execute((tx) => work(tenancy.scope(tenantId, { db: tx }), { db: tx }));

  /** The user, locked: two requests at once come one after the other. */
  const self = (queries: PersonalQueries) => queries.selectFrom('users').select('id').forUpdate().executeTakeFirst();

  const subscriptionOf = (queries: PersonalQueries) =>
    queries
      .selectFrom('user_subscriptions')
      .select(['id', 'plan'])
      .where('paid_by', '=', 'user')
      .where('status', 'in', ['active', 'trialing', 'past_due'])
      .executeTakeFirst();

  return {
    /** Begins a subscription of the user's own, and gives the tenant its plan. */
    subscribe: (tenantId: string, plan: PersonalPlan, at: Date) =>
      within(tenantId, async (queries, tx) => {
        const { id: userId } = found(await self(queries), 'user');
        if ((await subscriptionOf(queries)) !== undefined) throw refusal(409, 'there is a subscription already');
        const id = crypto.randomUUID();
        await subscribe(queries, { id, userId, plan, at });
        await tenancy.setPlan(tenantId, plan, { ...tx, subscriptionStatus: 'active' });
        return { id, plan };
      }),

    /** Ends the subscription of the user's own. What an organization paid for is not touched. */
    cancel: (tenantId: string, at: Date) =>
      within(tenantId, async (queries, tx) => {
        await self(queries);
        const { id } = found(await subscriptionOf(queries), 'subscription');
        await queries
          .updateTable('user_subscriptions')
          .set({ status: 'canceled', canceled_at: at })
          .where('id', '=', id)
          .execute();
        await tenancy.setPlan(tenantId, 'personal', { ...tx, subscriptionStatus: 'canceled' });
      }),

    /** Takes a package from the catalogue, as far as the plan allows. What came from an organization does not count. */
    takePackage: (tenantId: string, packageId: string, at: Date) =>
      within(tenantId, async (queries, tx) => {
        const { id: userId } = found(await self(queries), 'user');
        const wanted = await queries
          .selectFrom('sound_packages')
          .select(['id', 'name'])
          .where('id', '=', packageId)
          .where('is_active', '=', true)
          .executeTakeFirst();
        const { id, name } = found(wanted, 'package');
        const counted = await plans.resources.occupy(tenantId, 'packages', id, tx);
        if (!counted.ok) {
          const { limit, used, requested } = counted;
          throw new TenantryError('limit_reached', { meter: 'packages', limit: Number(limit), used, requested });
        }
        await queries
          .insertInto('user_sound_packages')
          .values({ user_id: userId, package_id: id, granted_at: at, expires_at: null })
          .onConflict((conflict) => conflict.columns(['user_id', 'package_id']).doUpdateSet({ expires_at: null }))
          .execute();
        return { id, name };
      }),

    /** Gives a package back. */
    returnPackage: (tenantId: string, packageId: string) =>
      within(tenantId, async (queries, tx) => {
        const { numDeletedRows } = await queries
          .deleteFrom('user_sound_packages')
          .where('package_id', '=', packageId)
          .executeTakeFirst();
        found(numDeletedRows > 0n ? true : null, 'package');
        await plans.resources.vacate(tenantId, 'packages', packageId, tx);
      }),

    /** Writes down that the user listened, and counts the day anew. */
    listen: (access: Visitor, session: { readonly sound_id: string; readonly minutes: number }, at: Date) =>
      within(access.tenant.id, async (queries, tx) => {
        const { id: userId } = found(await self(queries), 'user');
        found(await soundFor(queries, session.sound_id, at), 'sound');
        const { remaining } = await access.consume('sessions', 1, tx);
        await queries
          .insertInto('therapy_sessions')
          .values({ user_id: userId, ...session, started_at: at, mood_before: null, mood_after: null })
          .execute();
        await countDay(queries, userId, at);
        return { remaining };
      }),
  };
}

/** A sound that the user may hear: of a package that is theirs, or of none. */
function soundFor(queries: PersonalQueries, soundId: string, at: Date) {
  return queries
    .selectFrom('therapy_sounds as sound')
    .leftJoin('user_sound_packages as mine', 'mine.package_id', 'sound.package_id')
    .where('sound.id', '=', soundId)
    .where((eb) =>
      eb.or([
        eb('sound.package_id', 'is', null),
        eb.and([
          eb('mine.package_id', 'is not', null),
          eb.or([eb('mine.expires_at', 'is', null), eb('mine.expires_at', '>', at)]),
        ]),
      ]),
    )
    .select('sound.id')
    .executeTakeFirst();
}

/**
 * Counts the listening of a day. Until the contract stage the migration does so too, for the sake of the old application:
 * both count all of the day, so it is not counted twice.
 */
async function countDay(queries: PersonalQueries, userId: string, at: Date): Promise<void> {
  const day = at.toISOString().slice(0, 10);
  const sums = await queries
    .selectFrom('therapy_sessions')
    .where('user_id', '=', userId)
    .where(trusted(sql<boolean>`(started_at at time zone 'UTC')::date = ${day}::date`))
    .select([
      trusted(sql<number>`count(*)::integer`).as('sessions'),
      trusted(sql<string>`coalesce(sum(greatest(minutes, 0)), 0)::numeric(12, 1)`).as('minutes'),
      trusted(sql<string | null>`round(avg(mood_after - mood_before), 3)`).as('mood_change'),
    ])
    .executeTakeFirstOrThrow();
  await queries
    .insertInto('user_analytics')
    .values({ user_id: userId, day, ...sums })
    .onConflict((conflict) => conflict.columns(['user_id', 'day']).doUpdateSet(sums))
    .execute();
}
