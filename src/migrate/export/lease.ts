import { quoteLiteral } from '../../database/isolation-sql.ts';
import type { Export } from './piece.ts';
import { raise } from './plpgsql.ts';

/** How long a lease lasts without a sign of life; every step and batch renews it. */
const leaseSeconds = 15;

function holder({ plan }: Export): string {
  return quoteLiteral(`exported SQL of plan ${plan.hash.slice(0, 12)}`);
}

function mine(x: Export): string {
  return `name = ${quoteLiteral(x.plan.migration)} and holder = ${holder(x)} and holder_pid = pg_backend_pid()`;
}

/**
 * Takes the lease of the migration by the engine's rules, so that exported files and the library never work at the same
 * time. The server may need a moment to notice that an earlier runner is gone, so it is asked for three seconds.
 */
export function takeLease(x: Export): string {
  const name = quoteLiteral(x.plan.migration);
  return `for tenantry_wait in 0..30 loop
  begin
    perform set_config('lock_timeout', '500', true), pg_stat_clear_snapshot();
    update tenantry.migrations m set holder = ${holder(x)}, holder_pid = pg_backend_pid(), lease_token = lease_token + 1,
      lease_until = clock_timestamp() + interval '${leaseSeconds} seconds'
    where name = ${name} and (holder is null or (${mine(x)})
      or not exists (select 1 from pg_stat_activity a where a.pid = m.holder_pid and a.datname = current_database())
      or (lease_until < clock_timestamp()
        and not exists (select 1 from pg_stat_activity a where a.pid = m.holder_pid and a.state = 'active' and a.pid <> pg_backend_pid())));
    exit when found;
  exception when lock_not_available then
    null;
  end;
  if tenantry_wait = 30 then
    ${raise(
      `${name} || ' is held by ' || coalesce((select holder || ', pid ' || holder_pid from tenantry.migrations where name = ${name}), 'another runner')`,
      'Wait for it, or end it with pg_terminate_backend(pid), and run this again.',
    )}
  end if;
  perform pg_sleep(0.1);
end loop;
perform set_config('lock_timeout', '${x.lockTimeout}', true);`;
}

/** Renews the lease before anything is written, and so locks out other runners until the transaction ends. */
export function renewLease(x: Export): string {
  return `update tenantry.migrations set lease_until = clock_timestamp() + interval '${leaseSeconds} seconds'
where ${mine(x)};
if not found then ${raise(`${quoteLiteral(x.plan.migration)} || ' was taken over by another runner'`, 'Nothing was written after that. Look at tenantry.migrations, and run this again when nobody works on it.')} end if;`;
}

/** Gives the lease back and sets the stage, which is SQL that may read the stage it was. */
export function releaseLease(x: Export, stage?: string): string {
  return `update tenantry.migrations set ${stage === undefined ? '' : `stage = ${stage}, updated_at = now(), `}holder = null, holder_pid = null, lease_until = null
where ${mine(x)};`;
}

/** The settings of a transaction of the migration, for a block that ends its transactions itself. */
export function settings(x: Export): string {
  return `perform set_config('lock_timeout', '${x.lockTimeout}', true), set_config('tenantry.runner', 'on', true), set_config('search_path', ${quoteLiteral(x.searchPath)}, true);`;
}
