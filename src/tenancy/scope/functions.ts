import { refuse } from './refuse.ts';

/** A function's name as it can be written without quotes, perhaps with a schema. */
const plainName = /^(?:[a-z_][a-z0-9_$]*\.)?[a-z_][a-z0-9_$]*$/i;

/** Functions of PostgreSQL and its extensions that run SQL given as text, read files, or change the tenant's setting. */
const runsSql =
  /^(?:(?:query|cursor|table|schema|database)_to_xml\w*|dblink\w*|crosstab\w*|connectby|xpath_table|ts_stat|ts_rewrite|set_config|pg_read_\w+|pg_ls_\w+|lo_\w+)$/i;

/**
 * Checks the name of a function, which Kysely writes into the query as it is.
 *
 * @throws TenantryError `scope_unsupported` for text that is no name, and for functions that run SQL of their own.
 */
export function checkFunction(name: string): void {
  if (!plainName.test(name)) refuse(`"${name}" as the name of a function`, 'Give a plain name.');
  if (runsSql.test(name.slice(name.indexOf('.') + 1))) {
    refuse(
      `the function "${name}"`,
      'It reaches past the query; if you have checked the call, wrap it in trusted(sql`…`).',
    );
  }
}
