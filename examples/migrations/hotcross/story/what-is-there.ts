import { type Kysely, sql } from 'kysely';
import type { CustomerDirt } from '../generator/summary.ts';
import type { LegacyDatabase } from '../legacy-schema.ts';

/** Counts in the database how dirty the customers are. */
export async function countDirtInDatabase(db: Kysely<LegacyDatabase>): Promise<CustomerDirt> {
  const { rows } = await sql<{ [Kind in keyof CustomerDirt]: string }>`
    with person as (
      select *, nullif(lower(trim(company)), '') as company_key,
        concat(first_name, last_name, company) as names,
        count(*) over (partition by stripe_customer_id) as same_stripe,
        count(*) over (partition by nullif(lower(trim(company)), '')) as same_company,
        count(*) over (partition by lower(email)) as same_email
      from customers
    ), company as (
      select count(distinct company) as spellings,
        count(distinct coalesce(subscription_status, 'none')) as statuses
      from person where company_key is not null group by company_key
    )
    select count(*) as "customers",
      count(*) filter (where stripe_customer_id is null) as "withoutStripeCustomer",
      count(*) filter (where stripe_customer_id is not null and same_stripe > 1) as "sharedStripeCustomer",
      count(*) filter (where company is null) as "withoutCompany",
      count(*) filter (where company is not null and company_key is null) as "blankCompany",
      count(*) filter (where company_key is not null and same_company > 1) as "colleagues",
      (select count(*) from company where spellings > 1) as "respelledCompanies",
      (select count(*) from company where statuses > 1) as "mixedStatusCompanies",
      count(*) filter (where same_email > 1) as "emailTwins",
      count(*) filter (where api_key_hash is null) as "keysNeverIssued",
      count(*) filter (where api_key_hash is not null and api_key_last_used_at is null) as "keysNeverUsed",
      count(*) filter (where api_key_revoked_at is not null) as "keysRevoked",
      count(*) filter (where octet_length(names) > length(names)) as "outsideAscii",
      count(*) filter (where names ~ ${`['"\\\\]`}) as "quoted"
    from person`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('counting gave no row');
  return {
    customers: Number(row.customers),
    withoutStripeCustomer: Number(row.withoutStripeCustomer),
    sharedStripeCustomer: Number(row.sharedStripeCustomer),
    withoutCompany: Number(row.withoutCompany),
    blankCompany: Number(row.blankCompany),
    colleagues: Number(row.colleagues),
    respelledCompanies: Number(row.respelledCompanies),
    mixedStatusCompanies: Number(row.mixedStatusCompanies),
    emailTwins: Number(row.emailTwins),
    keysNeverIssued: Number(row.keysNeverIssued),
    keysNeverUsed: Number(row.keysNeverUsed),
    keysRevoked: Number(row.keysRevoked),
    outsideAscii: Number(row.outsideAscii),
    quoted: Number(row.quoted),
  };
}
