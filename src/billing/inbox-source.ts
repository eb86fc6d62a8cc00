/** Names the provider in the inbox, apart from what the application itself receives of it. */
export function inboxSource(provider: { readonly name: string }): string {
  return `billing:${provider.name}`;
}
