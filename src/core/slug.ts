import { TenantryError } from './errors.ts';
import { transliterate } from './transliterate.ts';

const longest = 63;
const form = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** Words that a program usually needs for itself as a subdomain or the first part of a path. */
const reserved: ReadonlySet<string> = new Set(
  `about account accounts admin administrator api app apps assets auth autoconfig autodiscover billing blog cdn console
  contact dashboard default demo dev dns docs download email event events files ftp health help home hostmaster images
  imap info internal invite invitations ldap legal localhost login logout mail me media metrics mx new news noreply ns1
  ns2 null oauth oauth2 old organization organizations orgs pop pop3 postmaster pricing privacy production public register
  root sales security settings shop signin signout signup smtp sso staging static stats status store support system team
  teams tenant tenants terms test undefined user users webhook webhooks webmail www www2`.split(/\s+/),
);

/**
 * Checks a slug that somebody chose.
 *
 * @throws TenantryError `slug_invalid`.
 */
export function checkSlug(slug: unknown): string {
  if (typeof slug !== 'string')
    throw new TenantryError('slug_invalid', { slug: String(slug), problem: 'must be a text' });
  const problem = slugProblem(slug);
  if (problem !== null) throw new TenantryError('slug_invalid', { slug: slug.slice(0, 80), problem });
  return slug;
}

function slugProblem(slug: string): string | null {
  if (slug.length > longest) return `must have at most ${longest} characters`;
  if (!form.test(slug)) return 'must be lower-case letters and digits, parted by single hyphens';
  return reserved.has(slug) ? 'is reserved' : null;
}

/**
 * Makes slugs from a name, in the order in which they should be tried: the name itself, then with a number, and at the
 * end with `tail`, which is for the case that all others are taken.
 *
 * @param tail Some letters or digits that no other organization of the name is likely to get.
 */
export function slugsFrom(name: string, tail: string): readonly string[] {
  const word = transliterate(name).trim().replaceAll(/\s+/g, '-');
  const base = word === '' ? 'org' : word;
  const numbered = Array.from({ length: 18 }, (_, index) => suffixed(base, String(index + 2)));
  const first = word === '' || reserved.has(word) ? [] : [suffixed(base, '')];
  return [...first, ...numbered, suffixed(base, tail)];
}

/** Cuts the word, not the suffix, to the longest that a slug may be; it is one label of a host name. */
function suffixed(word: string, suffix: string): string {
  const end = suffix === '' ? '' : `-${suffix}`;
  return `${word.slice(0, longest - end.length).replace(/-+$/, '')}${end}`;
}
