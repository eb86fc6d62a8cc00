import type { AnyDatabase } from '../../database/index.ts';

/** A mail as it is handed out to be sent. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/**
 * Sends a mail. It is called after the change was committed, so a mail never tells of what did not happen; in a transaction
 * of the caller's it is called within, with that transaction as `db`: write the mail into a table there, and send it
 * afterwards.
 */
export type SendMail = (mail: Mail, context: { readonly db?: AnyDatabase }) => Promise<void>;

/** What the templates are told. A `token` goes into a link to a page that sends it back by POST. */
export interface MailFacts {
  /** Shows that the address is the user's. */
  verify: { readonly email: string; readonly name: string | null; readonly token: string; readonly expiresAt: Date };
  /** Lets the user choose another password. */
  reset: { readonly email: string; readonly name: string | null; readonly token: string; readonly expiresAt: Date };
  /** Sent to the new address; shows that it is the user's. */
  change: { readonly email: string; readonly name: string | null; readonly token: string; readonly expiresAt: Date };
  /** Somebody signed up with an address that has an account. */
  exists: { readonly email: string; readonly name: string | null };
  /** The password is another now. */
  passwordChanged: { readonly email: string; readonly name: string | null };
  /** Sent to the address before. */
  emailChanged: { readonly email: string; readonly name: string | null };
}

/** What a template gives: a mail without its address. */
export type MailContent = Omit<Mail, 'to'>;

/** One template for each mail. */
export type MailTemplates = {
  readonly [Kind in keyof MailFacts]: (facts: MailFacts[Kind]) => MailContent | Promise<MailContent>;
};
