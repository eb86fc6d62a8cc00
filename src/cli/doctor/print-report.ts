import type { DoctorReport, Finding, Severity } from '../../tenancy/index.ts';

/** The report for people: each finding with its reason and what mends it, then how many there are. */
export function printReport(report: DoctorReport): string {
  const { findings, below, role, database, serverVersion, tables } = report;
  const counted = (['error', 'warning', 'info'] as const).flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${nounOf(severity, count)}`];
  });
  const hints = below === 0 ? '' : ` ${below} more below this level (--level info shows all).`;
  return [
    ...findings.map(paragraphOf),
    `${counted.length === 0 ? 'No holes found' : counted.join(', ')}.${hints}`,
    `Checked the role ${role} on ${database} (PostgreSQL ${serverVersion}): ${tables.own} tables of tenants, ${tables.shared} shared.`,
  ].join('\n');
}

function nounOf(severity: Severity, count: number): string {
  const noun = severity === 'info' ? 'hint' : severity;
  return count === 1 ? noun : `${noun}s`;
}

function paragraphOf({ severity, code, object, what, why, mend }: Finding): string {
  const statements = mend.map((statement) => `    ${statement};`);
  return [`${severity}: ${object} (${code})`, `  ${what} ${why}`, ...statements, ''].join('\n');
}
