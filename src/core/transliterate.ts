/** Letters that Unicode does not take apart into a Latin letter and a mark, each with its usual Latin spelling. */
const spellings: ReadonlyMap<string, string> = new Map(
  [
    'ß ss æ ae œ oe ø o ð d đ d þ th ł l ħ h ı i ĸ k ŋ n ŧ t ə e',
    'α a β v γ g δ d ε e ζ z η i θ th ι i κ k λ l μ m ν n ξ x ο o π p ρ r σ s ς s τ t υ y φ f χ ch ψ ps ω o',
    'а a б b в v г g д d е e ж zh з z и i к k л l м m н n о o п p р r с s т t у u ф f х kh ц ts ч ch ш sh щ shch',
    'ы y і i э e ю yu я ya є ye ґ g ђ dj љ lj њ nj ћ c џ dz ѕ dz ј j',
  ].flatMap((line) => {
    const words = line.split(' ');
    return words.flatMap((word, index) => (index % 2 === 0 ? [[word, words[index + 1] ?? ''] as const] : []));
  }),
);

/**
 * Spells a text in lower-case ASCII letters and digits, other characters as one space each: Latin letters lose their
 * marks, Greek and Cyrillic ones are spelled out, `&` becomes `and`, and apostrophes vanish.
 */
export function transliterate(text: string): string {
  let out = '';
  for (const character of text.toLowerCase().normalize('NFKD').toLowerCase()) {
    if (/[a-z0-9]/.test(character)) out += character;
    else if (character === '&') out += ' and ';
    else if (/\p{Mark}|['’ʼ`ьъ]/u.test(character)) continue;
    else out += spellings.get(character) ?? ' ';
  }
  return out;
}
