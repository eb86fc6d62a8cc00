import { quoteLiteral } from '../../database/isolation-sql.ts';
import { dollarQuoted } from '../sql-text.ts';

/** SQL whose value is the message of an error, and a hint for the person who reads it. */
export function raise(message: string, hint?: string): string {
  return `raise exception using message = 'tenantry: ' || ${message}${hint === undefined ? '' : `, hint = ${quoteLiteral(hint)}`};`;
}

/**
 * An anonymous block. Where a name is a column of a statement and a variable of the block, the column is meant; else a
 * legacy column named "found" would be read as PL/pgSQL's own.
 */
export function doBlock(statements: string): string {
  return `do ${dollarQuoted(`\n#variable_conflict use_column\nbegin\n${statements}\nend\n`, 'tenantry_do')};`;
}

/** A block within a block, with variables of its own. */
export function block(declare: readonly string[], statements: string): string {
  return `declare\n${declare.map((line) => `  ${line};`).join('\n')}\nbegin\n${statements}\nend;`;
}

/** The conditions after which the engine tries a step again: no lock in time, a deadlock, a conflict of snapshots. */
const transient = 'lock_not_available or deadlock_detected or serialization_failure';

/**
 * Runs statements as a whole and tries them again when a lock was not to be had in time. What the try had locked is free
 * while it waits, so that nobody queues behind it.
 */
export function attempts(retries: number, statements: string): string {
  return `for tenantry_attempt in 0..${retries} loop
begin
${statements}
exit;
exception when ${transient} then
  if tenantry_attempt = ${retries} then raise; end if;
  perform pg_sleep(0.05 * least(tenantry_attempt + 1, 20) * (0.5 + random()));
end;
end loop;`;
}

/** The handler of {@link attempts} for a loop that counts its tries in `tenantry_tries`. */
export function countedAttempt(retries: number): string {
  return `exception when ${transient} then
  tenantry_tries := tenantry_tries + 1;
  if tenantry_tries > ${retries} then raise; end if;
end;`;
}

/** A comment line; a name with a line break in it must not end the comment. */
export function comment(text: string): string {
  return `-- ${text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ')}`.trimEnd();
}
