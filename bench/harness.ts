import { performance } from 'node:perf_hooks';
import type { BenchDatabase } from './database.ts';

/** One line of a result. */
export interface Row {
  /** `<what we do>/<what it is compared with>`. */
  readonly name: string;
  /** Number of concurrent callers. */
  readonly at: number;
  /** What `ours` and `reference` are; operations per second when absent. */
  readonly unit?: 'ms' | 'MB';
  /** The median over the rounds. */
  readonly ours: number;
  readonly reference: number;
  /** The median over the rounds of ours by reference. */
  readonly ratio: number;
  /** The lowest and the highest ratio of a round. */
  readonly spread: readonly [number, number];
}

/** Does one operation; told which caller it is. What it gives back is awaited if it can be. */
export type Operation = (caller: number) => unknown;

/** Two ways of doing the same. */
export interface Comparison {
  readonly name: string;
  /** Numbers of concurrent callers, one row each. */
  readonly at: readonly number[];
  readonly ours: Operation;
  readonly reference: Operation;
}

/** What a suite is given. */
export interface Bench {
  /** True when the whole run must end within 50 seconds. */
  readonly quick: boolean;
  /** A real PostgreSQL with the library's schema, started on the first call. */
  database(): Promise<BenchDatabase>;
  /** Compares, and reports each row as it is found. */
  compare(comparison: Comparison): Promise<readonly Row[]>;
  /** Reports a row that a suite measured by itself. */
  report(row: Row): void;
}

/** A suite runs its comparisons and gives their rows. */
export type Suite = (bench: Bench) => Promise<readonly Row[]>;

/** How long and how often each side is measured. */
export interface Effort {
  readonly rounds: number;
  /** Length of one turn of one side, in milliseconds. */
  readonly turn: number;
}

/**
 * Measures both sides in turns of one run: each round gives both a turn, the one that was second before goes first. So
 * whatever slows the machine down for a while slows both.
 */
export async function compare({ name, at, ours, reference }: Comparison, { rounds, turn }: Effort): Promise<Row[]> {
  const rows: Row[] = [];
  for (const callers of at) {
    for (const side of [ours, reference]) await rate(side, callers, turn / 2);
    const found: { ours: number; reference: number }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      if (round % 2 === 0) {
        const first = await rate(ours, callers, turn);
        found.push({ ours: first, reference: await rate(reference, callers, turn) });
      } else {
        const first = await rate(reference, callers, turn);
        found.push({ ours: await rate(ours, callers, turn), reference: first });
      }
    }
    rows.push(rowOf(name, callers, found));
  }
  return rows;
}

/** The row of rounds in each of which both sides had a turn. */
export function rowOf(name: string, at: number, found: readonly { ours: number; reference: number }[]): Row {
  const ratios = found.map((round) => round.ours / round.reference);
  return {
    name,
    at,
    ours: Math.round(median(found.map((round) => round.ours))),
    reference: Math.round(median(found.map((round) => round.reference))),
    ratio: rounded(median(ratios)),
    spread: [rounded(Math.min(...ratios)), rounded(Math.max(...ratios))],
  };
}

/** Operations per second of so many callers, each of which begins anew as soon as it has its answer. */
async function rate(operation: Operation, callers: number, milliseconds: number): Promise<number> {
  let done = 0;
  const begun = performance.now();
  const end = begun + milliseconds;
  const call = async (caller: number): Promise<void> => {
    while (performance.now() < end) {
      const result = operation(caller);
      if (result instanceof Promise) await result;
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
  return (done * 1000) / (performance.now() - begun);
}

/** The median of some values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** A value with three digits that count. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
