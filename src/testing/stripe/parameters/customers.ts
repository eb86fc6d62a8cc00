/** Operations and what they take, as scripts/stripe-parameters.ts wrote them. */
export const customersOperations = {
  Customers_del: `DELETE /v1/customers/{id}`,
  Customers_retrieve: `GET /v1/customers/{id} {expand:s[]}`,
  Customers_update: `POST /v1/customers/{id} {address:{city:s country:s line1:s line2:s postal_code:s state:s} balance:n
business_name:s cash_balance:{settings:{reconciliation_mode:<automatic,manual,merchant_default>}}
default_source:s description:s email:s expand:s[] individual_name:s invoice_prefix:s
invoice_settings:{custom_fields:{name!:s value!:s}[] default_payment_method:s footer:s
rendering_options:{amount_tax_display:<,exclude_tax,include_inclusive_tax> template:s}} metadata:{*} name:s
next_invoice_sequence:n phone:s preferred_locales:s[] shipping:{address!:{city:s country:s line1:s line2:s
postal_code:s state:s} name!:s phone:s} source:s tax:{ip_address:s
validate_location:<auto,deferred,immediately>} tax_exempt:<,exempt,none,reverse> validate:b}`,
  Customers_deleteDiscount: `DELETE /v1/customers/{id}/discount`,
  Customers_list: `GET /v1/customers {created:n|{gt:n gte:n lt:n lte:n} email:s expand:s[] test_clock:s ending_before:s limit:n
starting_after:s}`,
  Customers_create: `POST /v1/customers {address:{city:s country:s line1:s line2:s postal_code:s state:s} balance:n business_name:s
cash_balance:{settings:{reconciliation_mode:<automatic,manual,merchant_default>}} description:s email:s
expand:s[] individual_name:s invoice_prefix:s invoice_settings:{custom_fields:{name!:s value!:s}[]
default_payment_method:s footer:s rendering_options:{amount_tax_display:<,exclude_tax,include_inclusive_tax>
template:s}} metadata:{*} name:s next_invoice_sequence:n payment_method:s phone:s preferred_locales:s[]
shipping:{address!:{city:s country:s line1:s line2:s postal_code:s state:s} name!:s phone:s} source:s
tax:{ip_address:s validate_location:<deferred,immediately>} tax_exempt:<,exempt,none,reverse>
tax_id_data:{type!:s value!:s}[] test_clock:s validate:b}`,
  Customers_search: `GET /v1/customers/search {query!:s expand:s[] limit:n page:s}`,
  Customers_listPaymentMethods: `GET /v1/customers/{id}/payment_methods {allow_redisplay:<always,limited,unspecified> expand:s[] type:s
ending_before:s limit:n starting_after:s}`,
  Customers_retrievePaymentMethod: `GET /v1/customers/{customerId}/payment_methods/{id} {expand:s[]}`,
  Customers_deleteTaxId: `DELETE /v1/customers/{customerId}/tax_ids/{id}`,
  Customers_retrieveTaxId: `GET /v1/customers/{customerId}/tax_ids/{id} {expand:s[]}`,
  Customers_listTaxIds: `GET /v1/customers/{id}/tax_ids {expand:s[] ending_before:s limit:n starting_after:s}`,
  Customers_createTaxId: `POST /v1/customers/{id}/tax_ids {type!:s value!:s expand:s[]}`,
  PaymentMethods_list: `GET /v1/payment_methods {allow_redisplay:<always,limited,unspecified> customer:s customer_account:s expand:s[]
type:s ending_before:s limit:n starting_after:s}`,
  PaymentMethods_create: `POST /v1/payment_methods {acss_debit:{account_number!:s institution_number!:s transit_number!:s} affirm:{*}
afterpay_clearpay:{*} alipay:{*} allow_redisplay:<always,limited,unspecified> alma:{*} amazon_pay:{*}
au_becs_debit:{account_number!:s bsb_number!:s} bacs_debit:{account_number:s sort_code:s} bancontact:{*}
billie:{*} billing_details:{address:{city:s country:s line1:s line2:s postal_code:s state:s} email:s name:s
phone:s tax_id:s} bizum:{*} blik:{*} boleto:{tax_id!:s} card:{cvc:s exp_month:n exp_year:n
networks:{preferred:<cartes_bancaires,mastercard,visa>} number:s token:s} cashapp:{*} crypto:{*}
custom:{type!:s} customer:s customer_balance:{*} eps:{bank:s} expand:s[]
fpx:{account_holder_type:<company,individual> bank!:s} giropay:{*} grabpay:{*}
ideal:{bank:<abn_amro,adyen,asn_bank,bunq,buut,finom,handelsbanken,ing,knab,mollie,moneyou,n26,nn,rabobank,regiobank,revolut,sns_bank,triodos_bank,van_lanschot,yoursafe>}
interac_present:{*} kakao_pay:{*} klarna:{dob:{day!:n month!:n year!:n}} konbini:{*} kr_card:{*} link:{*}
mb_way:{*} metadata:{*} mobilepay:{*} multibanco:{*} naver_pay:{funding:<card,points>}
nz_bank_account:{account_holder_name:s account_number!:s bank_code!:s branch_code!:s reference:s suffix!:s}
oxxo:{*} p24:{bank:s} pay_by_bank:{*} payco:{*} payment_method:s paynow:{*} paypal:{*} paypay:{*}
payto:{account_number:s bsb_number:s pay_id:s} pix:{*} promptpay:{*} radar_options:{session:s} revolut_pay:{*}
samsung_pay:{*} satispay:{*} scalapay:{*} sepa_debit:{iban!:s} sequra:{*} sofort:{country!:<AT,BE,DE,ES,IT,NL>}
sunbit:{*} swish:{*} twint:{*} type:s upi:{mandate_options:{amount:n amount_type:<fixed,maximum> description:s
end_date:n}} us_bank_account:{account_holder_type:<company,individual> account_number:s
account_type:<checking,savings> financial_connections_account:s routing_number:s} wechat_pay:{*} zip:{*}}`,
  PaymentMethods_retrieve: `GET /v1/payment_methods/{id} {expand:s[]}`,
  PaymentMethods_update: `POST /v1/payment_methods/{id} {allow_redisplay:<always,limited,unspecified> billing_details:{address:{city:s
country:s line1:s line2:s postal_code:s state:s} email:s name:s phone:s tax_id:s} card:{exp_month:n exp_year:n
networks:{preferred:<,cartes_bancaires,mastercard,visa>}} expand:s[] metadata:{*}
us_bank_account:{account_holder_type:<company,individual> account_type:<checking,savings>}}`,
  PaymentMethods_attach: `POST /v1/payment_methods/{id}/attach {customer:s customer_account:s expand:s[]}`,
  PaymentMethods_detach: `POST /v1/payment_methods/{id}/detach {expand:s[]}`,
  SetupIntents_list: `GET /v1/setup_intents {attach_to_self:b created:n|{gt:n gte:n lt:n lte:n} customer:s customer_account:s
expand:s[] payment_method:s ending_before:s limit:n starting_after:s}`,
  SetupIntents_create: `POST /v1/setup_intents {allowed_payment_method_types:s[] attach_to_self:b
automatic_payment_methods:{allow_redirects:<always,never> enabled!:b} confirm:b confirmation_token:s customer:s
customer_account:s description:s excluded_payment_method_types:s[] expand:s[]
flow_directions:<inbound,outbound>[] mandate_data:{customer_acceptance!:{accepted_at:n offline:{*}
online:{ip_address!:s user_agent!:s} type!:<offline,online>}} metadata:{*} on_behalf_of:s payment_method:s
payment_method_configuration:s payment_method_data:{*} payment_method_options:{*} return_url:s
single_use:{amount!:n currency!:s} usage:<off_session,on_session> use_stripe_sdk:b}`,
  SetupIntents_retrieve: `GET /v1/setup_intents/{id} {client_secret:s expand:s[]}`,
  SetupIntents_update: `POST /v1/setup_intents/{id} {allowed_payment_method_types:s[] attach_to_self:b customer:s customer_account:s
description:s excluded_payment_method_types:s[] expand:s[] flow_directions:<inbound,outbound>[] metadata:{*}
payment_method:s payment_method_configuration:s payment_method_data:{*} payment_method_options:{*}}`,
  SetupIntents_cancel: `POST /v1/setup_intents/{id}/cancel {cancellation_reason:<abandoned,duplicate,requested_by_customer> expand:s[]}`,
  SetupIntents_confirm: `POST /v1/setup_intents/{id}/confirm {allowed_payment_method_types:s[] confirmation_token:s expand:s[]
mandate_data:{customer_acceptance:{accepted_at:n offline:{*} online:{ip_address:s user_agent:s}
type!:<offline,online>}} payment_method:s payment_method_data:{*} payment_method_options:{*} return_url:s
use_stripe_sdk:b}`,
  TaxIds_del: `DELETE /v1/tax_ids/{id}`,
  TaxIds_retrieve: `GET /v1/tax_ids/{id} {expand:s[]}`,
  TaxIds_list: `GET /v1/tax_ids {expand:s[] owner:{account:s customer:s customer_account:s
type!:<account,application,customer,self>} ending_before:s limit:n starting_after:s}`,
  TaxIds_create: `POST /v1/tax_ids {type!:s value!:s expand:s[] owner:{account:s customer:s customer_account:s
type!:<account,application,customer,self>}}`,
};
