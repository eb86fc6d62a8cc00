import type { Strategy } from '../../tenancy/index.ts';
import { textLiteral } from './source-text.ts';

/** The call that makes a strategy, with the options that are not the usual ones. */
export function strategyText({ name, plan, seats, actingRole, tenantName: called, bill }: Strategy): string {
  const call = { none: 'none', 'per-user': 'perUser', 'per-org': 'perOrg', 'hybrid-seats': 'hybridSeats' }[name];
  const usual = name === 'hybrid-seats' ? 1 : name === 'per-user' ? 1 : null;
  const role = name === 'none' ? 'member' : name === 'per-user' ? 'owner' : null;
  const options = [
    ...(plan === 'default' ? [] : [`plan: ${textLiteral(plan)}`]),
    ...(seats.initial === usual || seats.initial === null ? [] : [`seats: ${seats.initial}`]),
    ...(actingRole === role || actingRole === null ? [] : [`role: ${textLiteral(actingRole)}`]),
    ...(name === 'none' && called !== null && called !== 'program' ? [`name: ${textLiteral(called)}`] : []),
    ...(name === 'none' && bill === 'licence' ? ["bill: 'licence'"] : []),
  ];
  return options.length === 0 ? `${call}()` : `${call}({ ${options.join(', ')} })`;
}
