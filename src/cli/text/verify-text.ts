import type { VerifyReport } from '../../migrate/index.ts';
import { columns, indented } from './words.ts';

/** What a verification found, for people: what failed first, then what could not be judged, then the rest in one line. */
export function verifyText({ migration, checks, failed }: VerifyReport): string {
  const of = (status: string) => checks.filter((check) => check.status === status);
  const rows = (status: string): string[] =>
    indented(columns(of(status).map(({ name, table, detail }) => [name, table, detail])));
  return [
    `${migration}: ${failed === 0 ? 'proved' : 'not proved'}; ${of('pass').length} passed, ${failed} failed, ${of('skip').length} skipped`,
    ...(failed === 0 ? [] : ['failed', ...rows('fail')]),
    ...(of('skip').length === 0 ? [] : ['skipped', ...rows('skip')]),
  ].join('\n');
}
