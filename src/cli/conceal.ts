/**
 * Makes a function that takes the password of a connection out of a text: where it stands in an address or behind
 * `password=`, and anywhere else where it is long enough to be nothing but a password.
 */
export function concealer(secrets: readonly string[]): (text: string) => string {
  const long = secrets.filter((secret) => secret.length >= 8).sort((a, b) => b.length - a.length);
  return (text) => {
    const shown = secrets
      .reduce((rest, secret) => (secret === '' ? rest : rest.replaceAll(`:${secret}@`, ':***@')), text)
      .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s/]*@/gi, '$1:***@')
      .replace(/\b(password=)[^\s&;]+/gi, '$1***');
    return long.reduce((rest, secret) => rest.replaceAll(secret, '***'), shown);
  };
}

/**
 * The password in a connection string, as it stands there and as it is meant, and those that were `given` otherwise; none
 * that is a name too, of the user, of the database or of PostgreSQL: to hide such a word tells more than it hides.
 */
export function secretsOf(url: string, given: readonly (string | undefined)[] = []): string[] {
  const [, scheme, user, written, path] =
    /^([a-z][a-z0-9+.-]*):\/\/(?:([^:/@]*)(?::(.*))?@)?[^@/?]*(?:\/([^?]*))?/is.exec(url) ?? [];
  const asked = /[?&]password=([^&]*)/i.exec(url)?.[1];
  const named = [user, path, /[?&]user=([^&]*)/i.exec(url)?.[1], process.env.PGUSER, process.env.PGDATABASE];
  const names = new Set([scheme, 'postgres', 'postgresql', ...named.flatMap(bothForms)]);
  return [...[written, asked].flatMap(bothForms), ...given].filter(
    (secret): secret is string => secret !== undefined && secret !== '' && !names.has(secret),
  );
}

function bothForms(text: string | undefined): string[] {
  if (text === undefined) return [];
  try {
    return [text, decodeURIComponent(text)];
  } catch {
    return [text];
  }
}
