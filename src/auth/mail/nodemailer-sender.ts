import type { SendMail } from './mail.ts';

/** What is used of a transport of nodemailer. */
export interface MailTransport {
  /** Sends a mail. */
  sendMail(mail: {
    readonly from: string;
    readonly to: { readonly name: string; readonly address: string };
    readonly subject: string;
    readonly text: string;
    readonly html: string;
  }): Promise<unknown>;
}

/**
 * Sends mails through a transport of nodemailer. The address goes in by itself and is not read as a list of addresses.
 *
 * @example
 * ```ts
 * import { nodemailerSender } from 'tenantry/auth';
 *
 * const sent: unknown[] = [];
 * const transport = { sendMail: async (mail: unknown) => sent.push(mail) }; // nodemailer.createTransport(…)
 * const sendMail = nodemailerSender(transport, { from: 'Acme <no-reply@acme.example>' });
 * await sendMail({ to: 'ada@acme.example', subject: 'Hello', text: 'Hello', html: '<p>Hello</p>' }, {});
 * ```
 */
export function nodemailerSender(transport: MailTransport, { from }: { readonly from: string }): SendMail {
  return async ({ to, subject, text, html }) => {
    await transport.sendMail({ from, to: { name: '', address: to }, subject, text, html });
  };
}
