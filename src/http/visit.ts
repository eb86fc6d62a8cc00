import type { Access } from '../access/index.ts';
import { type HeadersLike, type Ids, readHeader } from '../core/index.ts';
import type { PlanNames } from '../plans/index.ts';
import type { DeclarationsOf } from '../tenancy/index.ts';

/** What a framework tells of a request, and where the headers of its answer go. */
export interface Exchange {
  readonly headers: HeadersLike;
  /** The target of the request, as a path or as a whole address. */
  readonly url: string;
  /** The caller's address, as far as the framework trusts what it was told. */
  readonly ip: string | undefined;
  /** Sets a header of the answer. */
  tell(name: string, value: string): unknown;
  /** Takes a header of the answer back, where it is not on its way yet. */
  forget(name: string): unknown;
}

/** What is known of a caller before anybody is let in. */
export interface Caller {
  /** Names the request in its answer and in the audit trail. */
  readonly requestId: string;
  readonly ip: string | undefined;
  /** What the caller calls itself: visible text, at most 500 characters. */
  readonly userAgent: string | undefined;
}

/** One request on its way through the program. */
export interface Visit<DB, Names extends PlanNames, Tables extends DeclarationsOf<DB> | undefined> {
  readonly exchange: Exchange;
  readonly requestId: string;
  access: Access<DB, Names, Tables> | undefined;
}

/** What a caller may name a request: what is longer or could break out of a line of a log is replaced. */
const idForm = /^[\w.:+/=@-]{1,128}$/;

/** The name of a request: the one that its caller gave it, where that is one, or a new one. */
export function requestIdOf({ headers }: Exchange, idHeader: string | null, ids: Ids): string {
  const told = idHeader === null ? undefined : readHeader(headers, idHeader);
  return told !== undefined && idForm.test(told) ? told : ids();
}

/** The caller's address, where it is known. */
export function ipOf({ ip }: Exchange): string | undefined {
  return ip === undefined || ip === '' ? undefined : ip.slice(0, 100);
}

/** Reads what is known of a caller. */
export function callerOf(exchange: Exchange, requestId: string): Caller {
  const agent = readHeader(exchange.headers, 'user-agent');
  return {
    requestId,
    ip: ipOf(exchange),
    // A trail keeps no control characters, and an entry that is too large would fail the caller's work.
    userAgent: agent?.slice(0, 500).replaceAll(/[^\x20-\x7e\xa0-\xff]/g, '?'),
  };
}
