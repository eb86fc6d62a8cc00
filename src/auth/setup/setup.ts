import { isUuid, TenantryError } from '../../core/index.ts';
import { storableJson } from '../../core/storable-json.ts';
import type { CallOptions } from '../../database/index.ts';
import type { ActOptions, Toolbox } from '../toolbox.ts';
import { listSteps, putStep, type StepStatus } from './setup-store.ts';

/** The steps of a set-up, in the order in which they are shown. */
export type SetupDefinition<Step extends string = string> = {
  readonly [Name in Step]: {
    /** Steps that must be done or skipped before. */
    readonly after?: readonly string[];
    /** It may be skipped; false when absent. */
    readonly optional?: boolean;
  };
};

/** One step of a tenant's set-up. */
export interface SetupStep<Step extends string = string> {
  readonly name: Step;
  readonly status: StepStatus;
  readonly optional: boolean;
  /** What was entered so far. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly updatedAt: Date | null;
}

/** How far a tenant's set-up is. */
export interface SetupState<Step extends string = string> {
  readonly steps: readonly SetupStep<Step>[];
  /** The first step that is open and may be done now; null when nothing is left. */
  readonly next: Step | null;
  /** Whether nothing is open that must be done. */
  readonly complete: boolean;
}

/**
 * The set-up of a new tenant, step by step. What is entered is kept, so that whoever leaves goes on where they were, and
 * another member can. Each call is one statement, and calling it again changes nothing.
 */
export interface Setup<Step extends string = string> {
  /**
   * Tells how far a tenant is.
   *
   * @throws TenantryError `tenant_not_found`.
   */
  of(tenantId: string, options?: CallOptions): Promise<SetupState<Step>>;
  /**
   * Keeps what was entered in a step, which stays open.
   *
   * @throws TenantryError `tenant_not_found`, `name_invalid` for a step that there is not, whose turn it is not, or for data
   * that is no object or too large.
   */
  save(input: StepInput<Step> & { readonly data: object }, options?: ActOptions): Promise<SetupState<Step>>;
  /** Ends a step. Data that is left out stays as it was saved. Throws as {@link Setup.save}. */
  complete(input: StepInput<Step> & { readonly data?: object }, options?: ActOptions): Promise<SetupState<Step>>;
  /** Leaves an optional step out. Throws as {@link Setup.save}. */
  skip(input: StepInput<Step>, options?: ActOptions): Promise<SetupState<Step>>;
}

/** A step of a tenant. */
export interface StepInput<Step extends string = string> {
  readonly tenantId: string;
  readonly step: Step;
}

const mostData = 16_384;

/**
 * Makes the set-up.
 *
 * @throws TenantryError `config_invalid` for a step that comes after one that does not stand before it.
 */
export function createSetup<Step extends string>(
  { db, clock, changing, publish }: Toolbox,
  definition: SetupDefinition<Step>,
): Setup<Step> {
  const names: Step[] = [];
  for (const name in definition) {
    const stray = (definition[name].after ?? []).find((before) => !names.some((known) => known === before));
    if (stray !== undefined) {
      const problem = `"${stray}" does not stand before it`;
      throw new TenantryError('config_invalid', { path: `auth.setup.${name}.after`, problem });
    }
    names.push(name);
  }

  async function stateOf(tenantId: string, options: CallOptions | undefined): Promise<SetupState<Step>> {
    const stored = isUuid(tenantId) ? await listSteps(options?.db ?? db, tenantId) : null;
    if (stored === null) throw new TenantryError('tenant_not_found', { tenant: String(tenantId) });
    const steps = names.map((name) => {
      const { status = 'open', data = {}, updatedAt = null } = stored.find(({ step }) => step === name) ?? {};
      return { name, status, optional: definition[name].optional === true, data, updatedAt };
    });
    const open = steps.filter(({ status }) => status === 'open');
    const ready = open.find(({ name }) => after(name).every((before) => !open.some((step) => step.name === before)));
    return { steps, next: ready?.name ?? null, complete: open.every(({ optional }) => optional) };
  }

  const after = (name: Step): readonly string[] => definition[name].after ?? [];

  async function set(
    { tenantId, step }: StepInput<Step>,
    status: StepStatus,
    data: object | undefined,
    options: ActOptions | undefined,
  ): Promise<SetupState<Step>> {
    if (!names.includes(step)) throw refused(String(step).slice(0, 80), 'there is no such step');
    if (status === 'skipped' && definition[step].optional !== true) throw refused(step, 'must not be left out');
    const json = data === undefined ? null : storableJson(data, mostData, (problem) => refused('data', problem));
    if (!isUuid(tenantId)) throw new TenantryError('tenant_not_found', { tenant: String(tenantId) });
    const by = options?.by?.userId ?? null;
    await changing(options, async (tx) => {
      const patch = { tenantId, step, status, data: json, after: after(step), by, now: clock() };
      const changed = await putStep(tx, patch);
      if (changed === null) {
        await stateOf(tenantId, { db: tx });
        throw refused(step, `comes after ${after(step).join(', ')}`);
      }
      const { previous } = changed;
      if (previous === status) return;
      const told = { step, status, previousStatus: previous };
      await publish(tenantId, { name: 'setup.step_changed', data: told }, tx, options?.by);
    });
    return stateOf(tenantId, options);
  }

  return {
    of: stateOf,
    save: ({ data, ...ref }, options) => set(ref, 'open', data, options),
    complete: ({ data, ...ref }, options) => set(ref, 'done', data, options),
    skip: (ref, options) => set(ref, 'skipped', undefined, options),
  };
}

function refused(field: string, problem: string): TenantryError {
  return new TenantryError('name_invalid', { field, problem });
}
