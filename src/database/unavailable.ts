import { TenantryError } from '../core/errors.ts';
import { sqlstateOf } from './install.ts';

/** Errors of sockets and of `pg` that mean that there is no connection; the latter have no code. */
const socketCodes = /^(?:ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)/;
const withoutCode =
  /connection (?:terminated|ended|error)|client has encountered a connection error|client was closed|not queryable|timeout exceeded when trying to connect|connection timeout/i;

/** SQLSTATE: connection exceptions, too many connections, and a server that shuts down or starts up. */
const states = /^(?:08...|53300|57P0[123])$/;

/**
 * Makes of a driver's error that says that the database cannot be reached one of the library's, and leaves all others as
 * they are. What the statement would have done may be done nevertheless, when the connection broke after it was sent.
 */
export function asUnavailable(error: unknown, operation: string): unknown {
  const code = sqlstateOf(error);
  const gone =
    code === ''
      ? error instanceof Error && (withoutCode.test(error.message) || hasGoneCause(error))
      : states.test(code) || socketCodes.test(code);
  return gone ? new TenantryError('database_unavailable', { operation }, { cause: error }) : error;
}

/** Does what asks the database, and says `database_unavailable` where a driver says that there is no connection. */
export async function orUnavailable<Result>(operation: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw asUnavailable(error, operation);
  }
}

/** Several addresses of one host that all refuse are one error without a code. */
function hasGoneCause(error: Error): boolean {
  return error instanceof AggregateError && error.errors.some((one) => socketCodes.test(sqlstateOf(one)));
}
