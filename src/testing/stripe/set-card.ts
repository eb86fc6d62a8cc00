import type { CardNow } from './fake-stripe-interface.ts';
import { invalid, missing } from './refusal.ts';
import { newCard } from './resources/payment-methods.ts';
import type { World } from './world.ts';

/** Decides what the cards of a customer do from now on; a customer without a card is given one, as the default. */
export function setCard(world: World, id: string, card: CardNow): void {
  const customer = world.customers.get(id);
  if (customer === undefined) throw missing('customer', id, 'customer');
  const cards = [...world.paymentMethods.values()].filter((method) => method.customer === id);
  if (card === 'none') {
    for (const method of cards) method.customer = null;
    for (const subscription of world.subscriptions.values()) {
      if (subscription.customer === id) subscription.default_payment_method = null;
    }
    world.change('customer.updated', customer, (kept) => {
      kept.invoice_settings.default_payment_method = null;
    });
    return;
  }
  if (cards.length === 0) {
    const method = newCard(world, 'pm_card_visa');
    method.customer = id;
    world.paymentMethods.set(method.id, method);
    world.tell('payment_method.attached', method);
    cards.push(method);
  }
  for (const method of cards) {
    method.own.behaviour = card;
    method.own.decline = card === 'declines' ? 'generic_decline' : 'authentication_required';
  }
  const [first] = cards;
  if (first === undefined) throw invalid('no card');
  if (customer.invoice_settings.default_payment_method !== null) return;
  world.change('customer.updated', customer, (kept) => {
    kept.invoice_settings.default_payment_method = first.id;
  });
}
