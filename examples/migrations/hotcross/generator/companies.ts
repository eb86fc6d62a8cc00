import { shares } from './options.ts';
import type { Random } from './random.ts';
import { awkwardCompanies, companyForms, companyStems, companyTrades } from './words.ts';

/** A company: its own spelling of its name, and its domain. */
export interface Company {
  readonly name: string;
  readonly domain: string;
}

/** What makes two spellings one company: neither case nor spaces around it count. */
export const foldCompany = (name: string): string => name.trim().toLowerCase();

/** Makes companies, no two of which have names that fold to one. */
export function createCompanies(random: Random): () => Company {
  const taken = new Set<string>();
  return () => {
    const base = random.chance(shares.awkwardCompany) ? random.pick(awkwardCompanies) : plainName(random);
    let name = base;
    for (let number = 2; taken.has(foldCompany(name)); number += 1) name = `${base} ${number}`;
    taken.add(foldCompany(name));
    return { name, domain: `${slug(name)}${taken.size}.example` };
  };
}

function plainName(random: Random): string {
  const words = [random.pick(companyStems), random.pick(companyTrades), random.pick(companyForms)];
  return words.filter((word) => word !== '').join(' ');
}

function slug(name: string): string {
  const letters = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '')
    .slice(0, 20);
  return letters === '' ? 'company' : letters;
}

/**
 * A company's name as one of its people typed it. Case is changed in ASCII names only: what `lower()` makes of other
 * letters depends on the locale of the database, and the rows shall be the same everywhere.
 */
export function respell(name: string, random: Random): string {
  if (!random.chance(shares.respelled)) return name;
  const cased = ascii(name) ? random.pick([name.toLowerCase(), name.toUpperCase(), name]) : name;
  const spaced = random.pick([cased, ` ${cased} `, `${cased}  `, ` ${cased}`]);
  return spaced === name ? `${name} ` : spaced;
}

/** Tells whether a text holds ASCII only. */
export function ascii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}
