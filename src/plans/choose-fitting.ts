/** An amount that waits for its turn. */
export interface Waiting {
  readonly amount: number;
}

/**
 * Chooses, in order of arrival, the waiting amounts that fit into what remains: one that does not fit is passed over,
 * so that a smaller one behind it still may. Gives the chosen and the others, in their order, and the sum of the chosen,
 * which is at most `remaining`.
 */
export function chooseFitting<Item extends Waiting>(
  waiting: readonly Item[],
  remaining: number,
): { readonly chosen: readonly Item[]; readonly others: readonly Item[]; readonly sum: number } {
  const chosen: Item[] = [];
  const others: Item[] = [];
  let left = remaining;
  for (const item of waiting) {
    if (item.amount > left) others.push(item);
    else {
      chosen.push(item);
      left -= item.amount;
    }
  }
  return { chosen, others, sum: remaining - left };
}
