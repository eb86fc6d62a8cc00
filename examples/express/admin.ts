import { type HotCross, type PriceModel, plans } from './hotcross.ts';

/** Who is told of in the trail of the platform. */
const by = { userId: 'admin' } as const;

/** A command: what it takes, and what it does. What it gives back is printed. */
export interface Command {
  readonly usage: string;
  run(hotcross: HotCross, args: readonly string[], options: { readonly model: string }): Promise<unknown>;
}

/** The commands, by name. */
export const commands: Readonly<Record<string, Command>> = {
  'create-org': {
    usage: '<name> [max_seats] [--model organization|developer|hybrid]',
    async run({ organizations, tenancy }, [name = '', seats], { model }) {
      const plan = modelOf(model);
      const owner = { userId: `owner of ${name}` };
      const bought = seats === undefined ? Number(plans.plans[plan]?.values.seats) : Number(seats);
      const { tenantId } = await organizations.create({ name, owner, seats: bought, plan });
      await tenancy.setPlan(tenantId, plan, { subscriptionStatus: 'active' });
      return { organization: tenantId, name, model: plan, seats: bought };
    },
  },
  'list-orgs': {
    usage: '',
    async run({ platform }) {
      const { items } = await platform.tenants({ by, kind: 'organization', limit: 1000 });
      return items.map(({ tenantId, name, plan, subscriptionStatus, seatsTaken, seatsBought }) => {
        return {
          organization: tenantId,
          name,
          model: plan,
          status: subscriptionStatus,
          seats: `${seatsTaken}/${seatsBought}`,
        };
      });
    },
  },
  'update-status': {
    usage: '<org_id> <active|past_due|canceled|…>',
    async run({ tenancy }, [tenantId = '', subscriptionStatus = '']) {
      const found = await tenancy.get(tenantId);
      if (found === null) throw new TypeError(`there is no organization "${tenantId}"`);
      const { tenant, changed } = await tenancy.setPlan(tenantId, modelOf(found.plan), { subscriptionStatus });
      return { organization: tenantId, name: tenant.name, status: tenant.subscriptionStatus, changed };
    },
  },
  'update-seats': {
    usage: '<org_id> <seats>',
    run: ({ organizations }, [tenantId = '', seats]) => organizations.setSeats(tenantId, Number(seats)),
  },
  'create-dev': {
    usage: '<org_id> <email> <first name> <last name>',
    async run({ organizations, apiKeys }, [tenantId = '', email = '', ...names]) {
      const { member } = await organizations.members.add({ tenantId, userId: email, email, name: names.join(' ') });
      const { secret } = await apiKeys.issue({ tenantId, memberId: member.id, name: email });
      return { developer: member.id, email, key: secret, note: 'the key is shown this once' };
    },
  },
  'list-devs': {
    usage: '[org_id]',
    async run({ platform }, [tenantId]) {
      const { items } = await platform.members({ by, ...(tenantId !== undefined && { tenantId }), limit: 1000 });
      return items.map(({ id, email, name, status, tenantName }) => {
        return { developer: id, email, name, status, organization: tenantName };
      });
    },
  },
  'revoke-dev': {
    usage: '<org_id> <developer_id>',
    async run({ apiKeys }, [tenantId = '', memberId = '']) {
      return { revoked: (await apiKeys.revokeAll({ tenantId, memberId })).length };
    },
  },
};

function modelOf(name: string | undefined): PriceModel {
  if (name === 'organization' || name === 'developer' || name === 'hybrid') return name;
  throw new TypeError(`there is no way of paying "${name}"`);
}
