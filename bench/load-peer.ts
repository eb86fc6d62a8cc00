import { spawn } from 'node:child_process';

const folder = new URL('./peers/', import.meta.url);

/**
 * Loads a package of `bench/peers/package.json`, and installs them all first where they are not. They have a folder of
 * their own, so that what they bring along is never taken for ours. Their types are unknown here, since they need not be
 * there: the caller checks the shape it uses.
 */
export async function loadPeer(name: string): Promise<Readonly<Record<string, unknown>>> {
  const { load }: { load(name: string): Promise<Readonly<Record<string, unknown>>> } = await import(
    new URL('load.js', folder).href
  );
  try {
    return await load(name);
  } catch {
    await install();
    return load(name);
  }
}

function install(): Promise<void> {
  console.error('installing the peers of the benches (npm ci in bench/peers/) …');
  return new Promise((resolve, reject) => {
    const child = spawn('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: folder,
      stdio: ['ignore', process.stderr, process.stderr],
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`npm ci in bench/peers/ ended with ${code}`)),
    );
  });
}
