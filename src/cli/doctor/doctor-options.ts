import { parseArgs } from 'node:util';
import type { DoctorOptions, Severity } from '../../tenancy/index.ts';
import { UsageError } from '../usage-error.ts';

/** How to use the command. */
export const doctorUsage = `Usage: tenantry doctor --url postgres://… [options]

Looks for holes in the isolation of a database. It reads the catalogue and changes nothing.

  --url <url>              the database; DATABASE_URL when absent, which keeps it out of the list of processes
  --role <name>            the role to check; by default whoever connects, or tenantry_app for the owner
  --schema <name>          a schema to look at (repeat it); by default all that the role may look into
  --shared <table>         a table that all tenants read (repeat it)
  --tenant-column <name>   the column that holds the tenant; tenant_id by default
  --setting <name>         the setting that holds the tenant; tenantry.tenant_id by default
  --ignore <what>          a code, an object, or code:object not to report (repeat it)
  --level <severity>       the least to report: error, warning (default) or info
  --fail-on <severity>     the least that fails: error (default), warning, info or never
  --citus                  also tell what keeps the schema from Citus
  --json                   print one JSON object
  --sarif                  print SARIF 2.1.0, for code review
  --source <file>          the file at which SARIF places findings; package.json by default

Exit codes: 0 nothing as bad as --fail-on, 1 something is, 2 wrong use, 3 the database could not be looked at`;

/** What the command is asked to do. */
export interface DoctorCommand {
  readonly url: string | undefined;
  readonly options: DoctorOptions;
  readonly format: 'text' | 'json' | 'sarif';
  readonly failOn: Severity | 'never';
  readonly source: string;
}

const flags = {
  url: { type: 'string' },
  role: { type: 'string' },
  schema: { type: 'string', multiple: true },
  shared: { type: 'string', multiple: true },
  'tenant-column': { type: 'string' },
  setting: { type: 'string' },
  ignore: { type: 'string', multiple: true },
  level: { type: 'string' },
  'fail-on': { type: 'string' },
  citus: { type: 'boolean' },
  json: { type: 'boolean' },
  sarif: { type: 'boolean' },
  source: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/**
 * Reads the words behind `tenantry doctor`.
 *
 * @throws UsageError
 */
export function readDoctorOptions(words: readonly string[]): DoctorCommand | 'help' {
  const parsed = parse(words);
  if (parsed.help) return 'help';
  const { url, level = 'warning', 'fail-on': failOn = 'error', 'tenant-column': tenantColumn } = parsed;
  const { schema: schemas, shared, role, setting, ignore, citus } = parsed;
  if (!isSeverity(level)) throw new UsageError(`--level takes error, warning or info, not "${level}"`);
  if (failOn !== 'never' && !isSeverity(failOn)) {
    throw new UsageError(`--fail-on takes error, warning, info or never, not "${failOn}"`);
  }
  if (parsed.json && parsed.sarif) throw new UsageError('either --json or --sarif');
  return {
    url,
    failOn,
    format: parsed.json ? 'json' : parsed.sarif ? 'sarif' : 'text',
    source: parsed.source ?? 'package.json',
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

function parse(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: flags, allowPositionals: false }).values;
  } catch (error) {
    const text = error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error);
    throw new UsageError(`${text}; see tenantry doctor --help`, { cause: error });
  }
}

function isSeverity(text: string): text is Severity {
  return text === 'error' || text === 'warning' || text === 'info';
}

/** What fails is reported as well. */
function lower(level: Severity, failOn: Severity | 'never'): Severity {
  if (failOn === 'info' || level === 'info') return 'info';
  return failOn === 'warning' || level === 'warning' ? 'warning' : 'error';
}
