/**
 * Makes a function that takes the password of a connection out of a text. A short password stands in ordinary words too;
 * of such a one only the places are hidden where it can be nothing else.
 */
export function concealer(secrets: readonly string[]): (text: string) => string {
  const long = secrets.filter((secret) => secret.length >= 8).sort((a, b) => b.length - a.length);
  return (text) => {
    const shown = text
      .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s/]*@/gi, '$1:***@')
      .replace(/\b(password=)[^\s&;]+/gi, '$1***');
    return long.reduce((rest, secret) => rest.replaceAll(secret, '***'), shown);
  };
}

/** The password in a connection string, as it stands there and as it is meant; none where there is none. */
export function secretsOf(url: string): string[] {
  const written = /^[a-z][a-z0-9+.-]*:\/\/[^:/@]*:(.*)@[^@]*$/is.exec(url)?.[1];
  const asked = /[?&]password=([^&]*)/i.exec(url)?.[1];
  return [written, asked].filter((secret) => secret !== undefined && secret !== '').flatMap(bothForms);
}

function bothForms(secret = ''): string[] {
  try {
    return [secret, decodeURIComponent(secret)];
  } catch {
    return [secret];
  }
}
