/**
 * Users, passwords, sessions and tokens.
 *
 * @packageDocumentation
 */

export {};
