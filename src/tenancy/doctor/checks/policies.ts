import type { PolicyRow } from '../catalogue.ts';
import type { Examination, OwnRelation } from '../examination.ts';
import { type Finding, findingOf } from '../finding.ts';
import type { FindingCode } from '../finding-codes.ts';
import { dropPolicySql, labelOf, replacePolicySql } from '../mend-sql.ts';
import { type PolicyShape, policyShape } from '../policy-shape.ts';

/** A policy with what its expressions do. */
interface ReadPolicy {
  readonly policy: PolicyRow;
  readonly shapes: readonly PolicyShape[];
}

/** The policies of a table that hold for one of the roles in question. */
function policiesOf({ policies, roles }: Examination, { relation }: OwnRelation): PolicyRow[] {
  const all = policies.get(relation.oid) ?? [];
  return all.filter((policy) => policy.roles.some((role) => role === 'public' || roles.has(role)));
}

function readPolicies(examination: Examination, own: OwnRelation): ReadPolicy[] {
  const { catalogue, setting } = examination;
  const { place, type } = own.column;
  const table = { column: place, type, setting, equalities: catalogue.equalities, bodies: examination.bodies };
  return policiesOf(examination, own).map((policy) => ({
    policy,
    shapes: [policy.using, policy.check].flatMap((text) => (text === null ? [] : [policyShape(text, table)])),
  }));
}

/** Whether some permissive policy lets the roles in question at a table at all; what it lets through is asked apart. */
export function hasTenantPolicy(examination: Examination, own: OwnRelation): boolean {
  return policiesOf(examination, own).some(({ permissive }) => permissive);
}

/** Policies that let more through than the tenant, or do it in a way that is slow or fragile. */
export function checkPolicies(examination: Examination): Finding[] {
  return [...examination.own.values()].flatMap((own) => checkTablePolicies(examination, own));
}

/** The policies of one table. */
export function checkTablePolicies(examination: Examination, own: OwnRelation): Finding[] {
  if (!own.relation.rowSecurity) return [];
  const read = readPolicies(examination, own);
  const restricted = read.some(({ policy, shapes }) => {
    return !policy.permissive && policy.command === '*' && policy.roles.includes('public') && isBound(shapes);
  });
  return read.flatMap(({ policy, shapes }) => {
    const object = `${labelOf(own.relation)}.${policy.name}`;
    const opening = policy.permissive && !restricted ? openingCode(policy, shapes) : undefined;
    if (opening !== undefined) {
      const bound = read.some((other) => other.policy !== policy && isWhole(other.policy) && isBound(other.shapes));
      const mend = bound ? [dropPolicySql(own.relation, policy)] : replacePolicySql(examination, own, policy);
      return [findingOf(opening, object, openings[opening](policy), mend)];
    }
    const mend = replacePolicySql(examination, own, policy);
    return formsOf(policy, shapes).map(([code, what]) => findingOf(code, object, what, mend));
  });
}

function isBound(shapes: readonly PolicyShape[]): boolean {
  return shapes.length > 0 && shapes.every(({ boundTo }) => boundTo === 'setting');
}

function isWhole({ permissive, command, roles }: PolicyRow): boolean {
  return permissive && command === '*' && roles.includes('public');
}

type Opening =
  | 'policy_true'
  | 'policy_or'
  | 'policy_subquery'
  | 'policy_other_setting'
  | 'policy_public'
  | 'policy_unbound';

const openings: Readonly<Record<Opening, (policy: PolicyRow) => string>> = {
  policy_true: (policy) => `The policy lets ${policy.roles.join(', ')} at every row.`,
  policy_or: () => 'The policy has another way in beside the tenant.',
  policy_subquery: () => 'The policy finds the tenant by a subquery.',
  policy_other_setting: () => 'The policy compares the tenant with something other than the setting of the tenant.',
  policy_public: () => 'The policy is permissive for PUBLIC and does not name the tenant.',
  policy_unbound: (policy) => `The policy is permissive for ${policy.roles.join(', ')} and does not name the tenant.`,
};

/** How a permissive policy lets rows of other tenants through. */
function openingCode({ roles }: PolicyRow, shapes: readonly PolicyShape[]): Opening | undefined {
  const open = shapes.find(({ always }) => always) ?? shapes.find(({ boundTo }) => boundTo !== 'setting');
  if (open === undefined) return undefined;
  if (open.always) return 'policy_true';
  if (open.or) return 'policy_or';
  if (open.subquery) return 'policy_subquery';
  if (open.boundTo === 'other') return 'policy_other_setting';
  return roles.includes('public') ? 'policy_public' : 'policy_unbound';
}

function formsOf(policy: PolicyRow, shapes: readonly PolicyShape[]): (readonly [FindingCode, string])[] {
  const forms: (readonly [FindingCode, string])[] = [];
  if (shapes.some(({ cast }) => cast)) forms.push(['policy_cast', 'The policy casts the column of the tenant.']);
  if (shapes.some(({ subquery }) => subquery)) forms.push(['policy_subquery', 'The policy has a subquery.']);
  if (policy.volatile.length > 0) {
    forms.push(['policy_volatile', `The policy calls ${policy.volatile.join(', ')}, which is volatile.`]);
  }
  if (shapes.some(({ strict }) => strict)) {
    forms.push(['policy_setting_strict', 'The policy reads a setting that need not exist without missing_ok.']);
  } else if (shapes.some(({ emptyFails }) => emptyFails)) {
    forms.push(['policy_setting_empty', "The policy casts the setting without nullif(…, '')."]);
  }
  if (policy.permissive && ['*', 'w'].includes(policy.command) && policy.using !== null && policy.check === null) {
    forms.push(['policy_check_missing', 'The policy has USING and no WITH CHECK.']);
  }
  return forms;
}
