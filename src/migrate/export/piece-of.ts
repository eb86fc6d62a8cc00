import type { StageName, Step } from '../plan.ts';
import { batchesPiece } from './batches.ts';
import type { Export, Piece } from './piece.ts';
import { outsidePiece, stepPiece } from './steps.ts';
import { verifyPiece } from './verify.ts';

/** A step as a piece of a file. */
export function pieceOf(x: Export, step: Step): Piece {
  if (step.kind === 'concurrently') return outsidePiece(x, step);
  if (step.kind !== 'batches') return stepPiece(x, step);
  const table = x.model.own.find((candidate) => candidate.name === step.table);
  if (table === undefined) throw new TypeError(`step ${step.id} names no table of the definition`);
  return batchesPiece(x, table, step);
}

/** What stands before the steps of a stage beside the common conditions. */
export function proofOf(x: Export, stage: StageName): Piece[] {
  return stage === 'enforce' ? [verifyPiece(x)] : [];
}
