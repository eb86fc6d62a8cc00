import type { Random } from './random.ts';
import { familyNames, givenNames } from './words.ts';

/** A person with an e-mail address of their own. */
export interface Person {
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
}

/** Makes people, no two of whom have e-mail addresses that differ in case only. */
export function createPeople(random: Random): (domain: string) => Person {
  const taken = new Set<string>();
  return (domain) => {
    const [firstName, given] = random.pick(givenNames);
    const [lastName, family] = random.pick(familyNames);
    let email = `${given}.${family}@${domain}`;
    for (let number = 2; taken.has(email); number += 1) email = `${given}.${family}${number}@${domain}`;
    taken.add(email);
    return { firstName, lastName, email };
  };
}

/** An e-mail address as its owner typed it another time: in another case. */
export function retypeEmail(email: string, random: Random): string {
  const capitals = email.replaceAll(/(^|[.@])[a-z]/g, (start) => start.toUpperCase());
  return random.pick([email.toUpperCase(), capitals, email.charAt(0).toUpperCase() + email.slice(1)]);
}
