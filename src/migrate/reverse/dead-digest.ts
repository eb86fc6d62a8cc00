/**
 * SQL of a digest, in hex, of which nobody knows a key: what the old application compares with never matches it. It is made
 * from the key's identifier, so that it is known for what it is.
 */
export function deadDigestSql(key: string): string {
  return `encode(sha256(convert_to('revoked ' || ${key}, 'UTF8')), 'hex')`;
}
