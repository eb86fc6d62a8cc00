import { ask } from './ask.ts';
import type { InspectedTable } from './inspection.ts';
import { isDigest } from './is-digest.ts';
import { wordsOf } from './names.ts';
import type { Asked, Draft } from './questions.ts';

/** Values that people choose collide between tenants; those that machines draw do not. */
const chosen = /^(text|character varying|character|citext|smallint|integer|bigint|numeric|date)$/;
const drawn =
  /^(uuid|guid|hash|digest|token|secret|sha256|stripe|paddle|provider|external|session|signature|checksum|key)$/;

/** Where two tenants could want the same value. */
export function uniqueQuestions(table: InspectedTable): Draft[] {
  const leading = new Set(table.references.flatMap((reference) => reference.columns));
  return table.uniques
    .filter(({ columns, definition }) => {
      if (columns.some((column) => leading.has(column))) return false;
      const words = columns.length === 0 ? wordsOf(definition) : columns.flatMap(wordsOf);
      const types = columns.map((name) => table.columns.find((column) => column.name === name)?.base ?? '');
      return !words.some((word) => drawn.test(word)) && types.every((type) => chosen.test(type));
    })
    .map(({ name, columns, definition }) => {
      const over = columns.length === 0 ? definition.slice(definition.indexOf('(')) : `(${columns.join(', ')})`;
      return ask(
        'unique',
        table,
        `"${name}" keeps ${over} unique over all tenants. May two tenants choose the same? Then it must begin with the tenant column.`,
      );
    });
}

/** What stands in the way of a migration, or beside the isolation that it makes. */
export function guardQuestions({ reader }: Asked, table: InspectedTable): Draft[] {
  const drafts: Draft[] = [];
  const triggers = table.triggers.filter((trigger) => trigger.onUpdate).map((trigger) => `"${trigger.name}"`);
  if (triggers.length > 0) {
    const text = `${triggers.join(', ')} would fire on the backfill of "${table.name}" and change more than the tenant.`;
    const right = `grant set on parameter session_replication_role to ${reader.role} lets the migration keep ${triggers.length === 1 ? 'it' : 'them'} from it.`;
    drafts.push(
      reader.replica
        ? ask(
            'trigger',
            table,
            `${text} The migration keeps ${triggers.length === 1 ? 'it' : 'them'} from it; is anything else done there that every change needs?`,
          )
        : ask(
            'trigger',
            table,
            `${text} May the migration hold ${triggers.length === 1 ? 'it' : 'them'} back? ${right}`,
            { blocking: true },
          ),
    );
  }
  if (table.rowSecurity || table.policies.length > 0) {
    const open = table.policies.filter((policy) => policy.permissive).map((policy) => `"${policy.name}"`);
    const text = `"${table.name}" has row-level security of its own${open.length === 0 ? '' : `: ${open.join(', ')} would let rows through beside the tenant's policy`}. Should it stay?`;
    drafts.push(ask('policy', table, text, { blocking: table.rowSecurity && !reader.bypass }));
  }
  if (!table.owned) {
    const text = `"${table.name}" belongs to another role, and a migration alters it. May ${reader.role} own it? (alter table … owner to ${reader.role})`;
    drafts.push(ask('owner', table, text, { blocking: true }));
  }
  return drafts;
}

/** Keys of the API that stand elsewhere than with the source. */
export function keyQuestions({ source }: Asked, table: InspectedTable): Draft[] {
  if (!table.columns.some(isDigest)) return [];
  const text = `API keys seem to stand in "${table.name}". Its rows get their tenant, but keys are taken over from rows of "${source}" alone. How do these stay valid?`;
  return [ask('keys', table, text)];
}
