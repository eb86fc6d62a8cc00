import { sql } from 'kysely';
import { isTenantryError } from '../../core/index.ts';
import { type DoctorReport, doctorReport } from '../../tenancy/index.ts';
import { connect } from '../connect.ts';
import type { Terminal } from '../terminal.ts';
import { errorText } from '../text/error-text.ts';
import { type DoctorCommand, type DoctorFlags, readDoctorOptions } from './doctor-options.ts';
import { printReport } from './print-report.ts';
import { sarifOf } from './sarif.ts';

/** The exit codes of `tenantry doctor`; wrong use ends as it does for every command. */
const exits = { clean: 0, holes: 1, unreachable: 3 } as const;

/**
 * `tenantry doctor`: prints what the doctor found. It answers with the exit code: 0 when nothing is as bad as `--fail-on`
 * says, 1 when something is, 3 when the database could not be looked at.
 *
 * @throws UsageError and TenantryError `config_invalid` for wrong use, which ends with 2.
 */
export async function doctorCommand(flags: DoctorFlags, terminal: Terminal): Promise<number> {
  const command = readDoctorOptions(flags);
  const connection = await connect(command.url, 'doctor', terminal);
  try {
    await sql`select 1`.execute(connection.db);
    const report = await doctorReport(connection.db, command.options);
    const exit = failsOn(report, command) ? exits.holes : exits.clean;
    terminal.out(textOf(report, command, exit));
    return exit;
  } catch (error) {
    if (isTenantryError(error, 'config_invalid')) throw error;
    const message = errorText(error, exits.unreachable);
    if (command.format === 'json')
      terminal.out(jsonOf({ exit: exits.unreachable, error: { code: 'unreachable', message } }));
    else terminal.note(message);
    return exits.unreachable;
  } finally {
    await connection.close();
  }
}

function textOf(report: DoctorReport, { format, source }: DoctorCommand, exit: number): string {
  if (format === 'json') return jsonOf({ command: 'doctor', exit, result: report });
  return format === 'sarif' ? jsonOf(sarifOf(report.findings, source)) : printReport(report);
}

function jsonOf(value: object): string {
  return JSON.stringify(value, null, 2);
}

const severities = ['error', 'warning', 'info'];

function failsOn({ findings }: DoctorReport, { failOn }: DoctorCommand): boolean {
  return findings.some(({ severity }) => severities.indexOf(severity) <= severities.indexOf(failOn));
}
