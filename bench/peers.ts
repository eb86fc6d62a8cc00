import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/**
 * Loads a package of `bench/package.json`, and installs them all first where they are not. Their types are unknown here,
 * since they need not be there: the caller checks the shape it uses.
 */
export async function loadPeer(name: string): Promise<Readonly<Record<string, unknown>>> {
  const require = createRequire(import.meta.url);
  try {
    require.resolve(name);
  } catch {
    await install();
  }
  return import(pathToFileURL(require.resolve(name)).href);
}

function install(): Promise<void> {
  console.error('installing the peers of the benches (npm ci in bench/) …');
  return new Promise((resolve, reject) => {
    const child = spawn('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: import.meta.dirname,
      stdio: ['ignore', process.stderr, process.stderr],
    });
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`npm ci in bench/ ended with ${code}`))));
  });
}
