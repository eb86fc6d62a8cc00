import { type Hole, tenantTable } from './doctor-holes.ts';

/** What keeps a schema from Citus, planted in the clean sample without its trigger. */
export const citusHoles: readonly Hole[] = [
  {
    code: 'citus_key',
    title: 'a primary key without the tenant',
    plant: [...tenantTable('orders', 'id uuid primary key'), 'create index on orders (tenant_id)'],
  },
  {
    code: 'citus_foreign_key',
    title: 'a foreign key that stands beside the one with the tenant',
    plant: [
      'alter table projects add constraint projects_id unique (id)',
      'alter table tasks add constraint tasks_plain foreign key (project_id) references projects (id)',
    ],
    options: { ignore: ['citus_key'] },
  },
  {
    code: 'citus_foreign_key_shared',
    title: 'a foreign key from a table that all read',
    plant: [
      'alter table countries add tenant_id uuid, add project_id uuid, add constraint countries_project foreign key (tenant_id, project_id) references projects',
    ],
  },
  {
    code: 'citus_set_null',
    title: 'a foreign key that empties a column',
    plant: [
      'alter table tasks add parent_id uuid',
      'alter table tasks add constraint tasks_parent foreign key (tenant_id, parent_id) references tasks (tenant_id, id) on delete set null (parent_id)',
    ],
  },
  {
    code: 'citus_trigger',
    title: 'a trigger',
    plant: ['create trigger again before insert on tasks for each row execute function touch()'],
  },
  {
    code: 'citus_sequence',
    title: 'a numbered column',
    plant: ['alter table tasks add number integer generated always as identity'],
  },
  { code: 'citus_sequence', title: 'a serial column', plant: ['alter table tasks add number serial'] },
  {
    code: 'citus_tenant_type',
    title: 'a tenant of another type',
    plant: [
      'create table places (tenant_id text primary key)',
      'alter table places enable row level security',
      'alter table places force row level security',
      `create policy tenantry_tenant on places using (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')) with check (tenant_id = nullif(current_setting('tenantry.tenant_id', true), ''))`,
      'create policy tenantry_service on places to tenantry_service using (true) with check (true)',
    ],
  },
];
