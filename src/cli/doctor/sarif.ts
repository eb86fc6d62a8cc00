import { createHash } from 'node:crypto';
import { type Finding, findingCodes, type Severity } from '../../tenancy/index.ts';

const levels: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  error: 'error',
  warning: 'warning',
  info: 'note',
};

/**
 * Findings as a log of SARIF 2.1.0 (OASIS), which code review reads. A database has no files, and a reader wants one: the
 * findings stand at `source`, each with the name of its object.
 */
export function sarifOf(findings: readonly Finding[], source: string): object {
  const codes = [...new Set(findings.map(({ code }) => code))].sort();
  const rules = codes.map((code) => ({
    id: code,
    shortDescription: { text: findingCodes[code].why },
    defaultConfiguration: { level: levels[findingCodes[code].severity] },
  }));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'tenantry doctor', rules } },
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) => resultOf(finding, codes.indexOf(finding.code), source)),
      },
    ],
  };
}

function resultOf({ code, severity, object, what, why, mend }: Finding, ruleIndex: number, source: string): object {
  const remedy = mend.length === 0 ? '' : `\n\n${mend.map((statement) => `${statement};`).join('\n')}`;
  return {
    ruleId: code,
    ruleIndex,
    level: levels[severity],
    message: { text: `${object}: ${what} ${why}${remedy}` },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: source }, region: { startLine: 1 } },
        logicalLocations: [{ fullyQualifiedName: object }],
      },
    ],
    // The same hole in the next run is the same alert.
    partialFingerprints: { 'tenantry/v1': createHash('sha256').update(`${code}:${object}`).digest('hex') },
  };
}
