/** Operations that the schema does not hold, written by hand from the type declarations of stripe 23.1.0. */
export const beyondSchemaOperations = {
  Customers_createBalanceTransaction: `POST /v1/customers/{id}/balance_transactions {amount!:n currency!:s description:s
expand:s[] metadata:{*}}`,
  Customers_updateBalanceTransaction: `POST /v1/customers/{customerId}/balance_transactions/{id} {description:s expand:s[]
metadata:{*}}`,
  Customers_retrieveBalanceTransaction: `GET /v1/customers/{customerId}/balance_transactions/{id} {expand:s[]}`,
  Customers_listBalanceTransactions: `GET /v1/customers/{id}/balance_transactions {created:n|{gt:n gte:n lt:n lte:n}
expand:s[] invoice:s ending_before:s limit:n starting_after:s}`,
  V2_Core_Events_retrieve: `GET /v2/core/events/{id}`,
  PaymentIntents_retrieve: `GET /v1/payment_intents/{id} {client_secret:s expand:s[]}`,
  PaymentIntents_list: `GET /v1/payment_intents {created:n|{gt:n gte:n lt:n lte:n} customer:s expand:s[] ending_before:s
limit:n starting_after:s}`,
  Charges_retrieve: `GET /v1/charges/{id} {expand:s[]}`,
  Charges_list: `GET /v1/charges {created:n|{gt:n gte:n lt:n lte:n} customer:s payment_intent:s expand:s[]
ending_before:s limit:n starting_after:s}`,
};
