import { parseArgs } from 'node:util';
import { type DemoDatabase, DemoRefused, openDemoDatabase } from './demo-database.ts';
import { createPrinter } from './print.ts';
import { tellStory } from './story/tell-story.ts';

const help = `Moves a legacy database of customers to organizations with seats, and back, on a real PostgreSQL.

  npm run demo -- [--customers N] [--url URL] [--json]

  --customers N   how many customers to generate; 5000 when absent, with 40 API calls each
  --url URL       a server to run it on, in a database of its own that is dropped afterwards; where the role may not
                  create one, in the database of the URL, which must be empty. An embedded server when absent
  --json          prints one summary object as the last line
`;

/** Runs the demonstration and gives the exit code: 0 when every promise held, 1 when one did not, 2 when it cannot run. */
async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === 'string') {
    process.stderr.write(options);
    return options === help ? 0 : 2;
  }
  const { url, customers, json } = options;
  let database: DemoDatabase;
  try {
    database = await openDemoDatabase(url);
  } catch (error) {
    if (!(error instanceof DemoRefused) && !isConnectionFailure(error)) throw error;
    process.stderr.write(`The demonstration cannot run there: ${error.message || String(error)}\n`);
    return 2;
  }
  const stop = (): void => void database.close().finally(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const { summary, broken } = await tellStory(database, { customers, printer: createPrinter(process.stdout) });
    await database.close();
    if (json) process.stdout.write(`${JSON.stringify(summary)}\n`);
    return broken.length === 0 ? 0 : 1;
  } catch (error) {
    await database.close();
    throw error;
  }
}

interface Options {
  readonly url: string | undefined;
  readonly customers: number;
  readonly json: boolean;
}

/** The options, or what to tell instead. */
function readOptions(): Options | string {
  try {
    const { values } = parseArgs({
      options: {
        url: { type: 'string' },
        customers: { type: 'string', default: '5000' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return help;
    const customers = Number(values.customers);
    if (!Number.isSafeInteger(customers) || customers < 100) return '--customers must be a whole number from 100\n';
    if (values.url !== undefined && !URL.canParse(values.url)) return '--url must be a postgres:// url\n';
    return { url: values.url, customers, json: values.json };
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n\n${help}`;
  }
}

/** The server cannot be reached, or does not let the user of the URL in. */
function isConnectionFailure(error: unknown): error is Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EHOSTUNREACH|28|3D)/.test(code);
}

process.exitCode = await main();
