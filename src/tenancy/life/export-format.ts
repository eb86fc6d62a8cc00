/** What stands in the first line of an export. */
export interface ExportHeader {
  readonly tenantry: 'tenant-export';
  readonly version: 1;
  readonly tenantId: string;
  readonly exportedAt: string;
  /** The version of the library's schema. */
  readonly schema: number;
  /** The tables, those first that others lead to, with what was written of each. */
  readonly tables: readonly { readonly name: string; readonly columns: readonly string[] }[];
}

/** What stands in the last line of an export. */
export interface ExportTrailer {
  readonly end: true;
  /** How many rows each table has. */
  readonly rows: Readonly<Record<string, number>>;
  /** SHA-256 in hexadecimal over all lines before this one, each with its line break. */
  readonly sha256: string;
}

/** A line of a row: its table, the columns that hold the null of JSON, and the row as PostgreSQL writes it. */
export interface RowLine {
  readonly table: string;
  readonly nulls: readonly string[];
  /** JSON that is not parsed: numbers keep all their digits. */
  readonly row: string;
}

/** Writes the line of a row. */
export function rowLine({ table, nulls, row }: RowLine): string {
  const marks = nulls.length === 0 ? '' : `,"nulls":${JSON.stringify(nulls)}`;
  return `{"table":${JSON.stringify(table)}${marks},"row":${row}}`;
}

/** Reads the line of a row; undefined for what is none. */
export function readRowLine(line: string): RowLine | undefined {
  const [start, head = ''] = /^(\{"table":"(?:[^"\\]|\\.)*"(?:,"nulls":\[[^\]]*\])?),"row":\{/.exec(line) ?? [];
  if (start === undefined || !line.endsWith('}}')) return undefined;
  const parsed = parseObject(`${head}}`);
  const nulls = parsed?.nulls ?? [];
  if (typeof parsed?.table !== 'string' || !Array.isArray(nulls)) return undefined;
  return { table: parsed.table, nulls: nulls.map(String), row: line.slice(start.length - 1, -1) };
}

/** Reads the first line; undefined for what is none. */
export function readHeader(line: string): ExportHeader | undefined {
  const header = parseObject(line);
  if (header?.tenantry !== 'tenant-export' || header.version !== 1) return undefined;
  const { tenantry, version, tenantId, exportedAt, schema, tables } = header;
  if (typeof tenantId !== 'string' || typeof exportedAt !== 'string' || typeof schema !== 'number') return undefined;
  if (!Array.isArray(tables)) return undefined;
  const read = tables.map((table: unknown) => {
    const { name, columns } = typeof table === 'object' && table !== null ? fieldsOf(table) : {};
    return typeof name === 'string' && Array.isArray(columns) ? { name, columns: columns.map(String) } : undefined;
  });
  const all = read.filter((table) => table !== undefined);
  return all.length === read.length ? { tenantry, version, tenantId, exportedAt, schema, tables: all } : undefined;
}

/** Reads the last line; undefined for what is none. */
export function readTrailer(line: string): ExportTrailer | undefined {
  if (!line.startsWith('{"end":true,')) return undefined;
  const { rows, sha256 } = parseObject(line) ?? {};
  if (typeof sha256 !== 'string' || typeof rows !== 'object' || rows === null) return undefined;
  const counts = Object.entries(rows).map(([table, count]): [string, number] => [table, Number(count)]);
  return { end: true, rows: Object.fromEntries(counts), sha256 };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? fieldsOf(value) : undefined;
  } catch {
    return undefined;
  }
}

function fieldsOf(value: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value));
}
