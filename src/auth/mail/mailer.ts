import type { AnyDatabase } from '../../database/index.ts';
import type { MailFacts, MailTemplates, SendMail } from './mail.ts';

/** Sends the module's mails. */
export interface Mailer {
  /**
   * Makes a mail and sends it. Outside of a caller's transaction the sending goes on by itself: how long it takes would
   * tell whether there was anything to send.
   */
  send<Kind extends keyof MailFacts>(
    kind: Kind,
    facts: MailFacts[Kind],
    joined: AnyDatabase | undefined,
  ): Promise<void>;
  /** Waits for the mails that are being sent. */
  flush(): Promise<void>;
}

/** Makes the mailer; without a way to send mails it sends none. */
export function createMailer(
  sendMail: SendMail | undefined,
  templates: MailTemplates | undefined,
  onError: (error: unknown) => void,
): Mailer {
  const sending = new Set<Promise<void>>();

  async function deliver<Kind extends keyof MailFacts>(
    kind: Kind,
    facts: MailFacts[Kind],
    joined: AnyDatabase | undefined,
  ): Promise<void> {
    if (sendMail === undefined || templates === undefined) return;
    const made = await templates[kind](facts);
    await sendMail({ to: facts.email, ...made }, joined === undefined ? {} : { db: joined });
  }

  return {
    async send(kind, facts, joined) {
      if (joined !== undefined) return deliver(kind, facts, joined);
      const sent = deliver(kind, facts, undefined)
        .catch(onError)
        .finally(() => sending.delete(sent));
      sending.add(sent);
    },
    async flush() {
      while (sending.size > 0) await Promise.all(sending);
    },
  };
}
