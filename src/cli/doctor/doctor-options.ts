import type { Command } from 'commander';
import type { DoctorOptions, Severity } from '../../tenancy/index.ts';
import { UsageError } from '../usage-error.ts';

/** What the command is asked to do. */
export interface DoctorCommand {
  readonly url: string | undefined;
  readonly options: DoctorOptions;
  readonly format: 'text' | 'json' | 'sarif';
  readonly failOn: Severity | 'never';
  readonly source: string;
}

/** What was given to the command. */
export interface DoctorFlags {
  readonly url?: string;
  readonly role?: string;
  readonly schema?: readonly string[];
  readonly shared?: readonly string[];
  readonly tenantColumn?: string;
  readonly setting?: string;
  readonly ignore?: readonly string[];
  readonly level?: string;
  readonly failOn?: string;
  readonly citus?: boolean;
  readonly json?: boolean;
  readonly sarif?: boolean;
  readonly source?: string;
}

/** Declares what may be given. */
export function doctorFlags(command: Command): void {
  const more = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
  command
    .option('--url <url>', 'the database; DATABASE_URL when absent, which keeps it out of the list of processes')
    .option('--role <name>', 'the role to check; by default whoever connects, or tenantry_app for the owner')
    .option('--schema <name>', 'a schema to look at (repeat it); by default all that the role may look into', more)
    .option('--shared <table>', 'a table that all tenants read (repeat it)', more)
    .option('--tenant-column <name>', 'the column that holds the tenant; tenant_id by default')
    .option('--setting <name>', 'the setting that holds the tenant; tenantry.tenant_id by default')
    .option('--ignore <what>', 'a code, an object, or code:object not to report (repeat it)', more)
    .option('--level <severity>', 'the least to report: error, warning (default) or info')
    .option('--fail-on <severity>', 'the least that fails: error (default), warning, info or never')
    .option('--citus', 'also tell what keeps the schema from Citus')
    .option('--json', 'print one JSON object')
    .option('--sarif', 'print SARIF 2.1.0, for code review')
    .option('--source <file>', 'the file at which SARIF places findings; package.json by default')
    .addHelpText(
      'after',
      '\nIt reads the catalogue and changes nothing.\nExit codes: 0 nothing as bad as --fail-on, 1 something is, 2 wrong use, 3 the database could not be looked at',
    );
}

/**
 * Reads what was given to `tenantry doctor`.
 *
 * @throws UsageError
 */
export function readDoctorOptions(flags: DoctorFlags): DoctorCommand {
  const { url, level = 'warning', failOn = 'error', tenantColumn, role, setting } = flags;
  const { schema: schemas, shared, ignore, citus } = flags;
  if (!isSeverity(level)) throw new UsageError(`--level takes error, warning or info, not "${level}"`);
  if (failOn !== 'never' && !isSeverity(failOn)) {
    throw new UsageError(`--fail-on takes error, warning, info or never, not "${failOn}"`);
  }
  if (flags.json && flags.sarif) throw new UsageError('either --json or --sarif');
  return {
    url,
    failOn,
    format: flags.json ? 'json' : flags.sarif ? 'sarif' : 'text',
    source: flags.source ?? 'package.json',
    options: {
      level: lower(level, failOn),
      ...(role !== undefined && { role }),
      ...(schemas !== undefined && { schemas }),
      ...(shared !== undefined && { shared }),
      ...(tenantColumn !== undefined && { tenantColumn }),
      ...(setting !== undefined && { setting }),
      ...(ignore !== undefined && { ignore }),
      ...(citus !== undefined && { citus }),
    },
  };
}

function isSeverity(text: string): text is Severity {
  return text === 'error' || text === 'warning' || text === 'info';
}

/** What fails is reported as well. */
function lower(level: Severity, failOn: Severity | 'never'): Severity {
  if (failOn === 'info' || level === 'info') return 'info';
  return failOn === 'warning' || level === 'warning' ? 'warning' : 'error';
}
