import type { LegacyCustomer } from './customers.ts';
import { day, type GenerateSize } from './options.ts';
import { createRandom } from './random.ts';
import { noteBodies, projectNames } from './words.ts';

/** One generated project. Times are milliseconds since 1970. */
export interface LegacyProject {
  readonly id: number;
  readonly customerId: string;
  readonly name: string;
  readonly settings: string;
  readonly archivedAt: number | null;
  readonly createdAt: number;
}

/** One generated note. */
export interface LegacyNote {
  readonly id: number;
  readonly projectId: number;
  readonly body: string;
  readonly pinned: boolean;
  readonly createdAt: number;
}

/** Generates the customers' projects; their ids have gaps, as where rows were deleted. */
export function generateProjects(customers: readonly LegacyCustomer[], { seed }: GenerateSize): LegacyProject[] {
  const random = createRandom(seed, 'projects');
  const projects: LegacyProject[] = [];
  let id = 0;
  for (const customer of customers) {
    for (let left = random.below(5); left > 0; left -= 1) {
      id += random.chance(0.02) ? 1 + random.below(300) : 1;
      const createdAt = customer.createdAt + random.below(400 * day);
      projects.push({
        id,
        customerId: customer.id,
        name: random.pick(projectNames),
        settings: JSON.stringify({ region: random.pick(['eu', 'us', 'ap']), retries: random.below(6) }),
        archivedAt: random.chance(0.1) ? createdAt + random.below(100 * day) : null,
        createdAt,
      });
    }
  }
  return projects;
}

/** Generates the notes of projects. */
export function generateNotes(projects: readonly LegacyProject[], { seed }: GenerateSize): LegacyNote[] {
  const random = createRandom(seed, 'notes');
  const notes: LegacyNote[] = [];
  let id = 0;
  for (const project of projects) {
    for (let left = random.below(9); left > 0; left -= 1) {
      id += random.chance(0.01) ? 1 + random.below(1000) : 1;
      const createdAt = project.createdAt + random.below(90 * day);
      notes.push({ id, projectId: project.id, body: random.pick(noteBodies), pinned: random.chance(0.05), createdAt });
    }
  }
  return notes;
}
