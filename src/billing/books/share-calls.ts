/**
 * Makes what lets calls of one name that come while the first is under way have its outcome. Calls of a program alone: what
 * two processes do at once is told apart by what each knew.
 */
export function shareCalls<Result>(): (name: string, work: () => Promise<Result>) => Promise<Result> {
  const underWay = new Map<string, Promise<Result>>();
  return (name, work) => {
    const there = underWay.get(name);
    if (there !== undefined) return there;
    const call = work().finally(() => underWay.delete(name));
    underWay.set(name, call);
    return call;
  };
}
