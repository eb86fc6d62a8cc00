/** Operations and what they take, as scripts/stripe-parameters.ts wrote them. */
export const invoicesOperations = {
  Invoices_del: `DELETE /v1/invoices/{id}`,
  Invoices_retrieve: `GET /v1/invoices/{id} {expand:s[]}`,
  Invoices_update: `POST /v1/invoices/{id} {account_tax_ids:s[] application_fee_amount:n auto_advance:b automatic_tax:{enabled!:b
liability:{account:s type!:<account,self>}} automatically_finalizes_at:n
collection_method:<charge_automatically,send_invoice> custom_fields:{name!:s value!:s}[] days_until_due:n
default_payment_method:s default_source:s default_tax_rates:s[] description:s discounts:{coupon:s discount:s
promotion_code:s}[] due_date:n effective_at:n expand:s[] footer:s issuer:{account:s type!:<account,self>}
metadata:{*} number:s on_behalf_of:s payment_settings:{default_mandate:s payment_method_options:{*}
payment_method_types:s[]} rendering:{amount_tax_display:<,exclude_tax,include_inclusive_tax>
pdf:{page_size:<a4,auto,letter>} template:s template_version:n} shipping_cost:{shipping_rate:s
shipping_rate_data:{delivery_estimate:{maximum:{unit!:<business_day,day,hour,month,week> value!:n}
minimum:{unit!:<business_day,day,hour,month,week> value!:n}} display_name!:s fixed_amount:{amount!:n
currency!:s currency_options:{*:{amount!:n tax_behavior:<exclusive,inclusive,unspecified>}}} metadata:{*}
tax_behavior:<exclusive,inclusive,unspecified> tax_code:s type:<fixed_amount>}}
shipping_details:{address!:{city:s country:s line1:s line2:s postal_code:s state:s} name!:s phone:s}
statement_descriptor:s transfer_data:{amount:n destination!:s}}`,
  Invoices_list: `GET /v1/invoices {collection_method:<charge_automatically,send_invoice> created:n|{gt:n gte:n lt:n lte:n}
customer:s customer_account:s due_date:n|{gt:n gte:n lt:n lte:n} expand:s[]
status:<draft,open,paid,uncollectible,void> subscription:s ending_before:s limit:n starting_after:s}`,
  Invoices_create: `POST /v1/invoices {account_tax_ids:s[] application_fee_amount:n auto_advance:b automatic_tax:{enabled!:b
liability:{account:s type!:<account,self>}} automatically_finalizes_at:n
collection_method:<charge_automatically,send_invoice> currency:s custom_fields:{name!:s value!:s}[] customer:s
customer_account:s days_until_due:n default_payment_method:s default_source:s default_tax_rates:s[]
description:s discounts:{coupon:s discount:s promotion_code:s}[] due_date:n effective_at:n expand:s[] footer:s
from_invoice:{action!:<revision> invoice!:s} issuer:{account:s type!:<account,self>} metadata:{*} number:s
on_behalf_of:s payment_settings:{default_mandate:s payment_method_options:{*} payment_method_types:s[]}
pending_invoice_items_behavior:<exclude,include>
rendering:{amount_tax_display:<,exclude_tax,include_inclusive_tax> pdf:{page_size:<a4,auto,letter>} template:s
template_version:n} shipping_cost:{shipping_rate:s
shipping_rate_data:{delivery_estimate:{maximum:{unit!:<business_day,day,hour,month,week> value!:n}
minimum:{unit!:<business_day,day,hour,month,week> value!:n}} display_name!:s fixed_amount:{amount!:n
currency!:s currency_options:{*:{amount!:n tax_behavior:<exclusive,inclusive,unspecified>}}} metadata:{*}
tax_behavior:<exclusive,inclusive,unspecified> tax_code:s type:<fixed_amount>}}
shipping_details:{address!:{city:s country:s line1:s line2:s postal_code:s state:s} name!:s phone:s}
statement_descriptor:s subscription:s transfer_data:{amount:n destination!:s}}`,
  Invoices_search: `GET /v1/invoices/search {query!:s expand:s[] limit:n page:s}`,
  Invoices_addLines: `POST /v1/invoices/{id}/add_lines {lines!:{amount:n description:s discountable:b discounts:{coupon:s discount:s
promotion_code:s}[] invoice_item:s metadata:{*} period:{end!:n start!:n} price_data:{currency!:s product:s
product_data:{description:s images:s[] metadata:{*} name!:s tax_code:s tax_details:{performance_location:s
tax_code:s} unit_label:s} tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n unit_amount_decimal:s}
pricing:{price:s} quantity:n quantity_decimal:s tax_amounts:{amount!:n tax_rate_data!:{country:s description:s
display_name!:s inclusive!:b jurisdiction:s jurisdiction_level:<city,country,county,district,multiple,state>
percentage!:n state:s tax_type:s}
taxability_reason:<customer_exempt,not_collecting,not_subject_to_tax,not_supported,portion_product_exempt,portion_reduced_rated,portion_standard_rated,product_exempt,product_exempt_holiday,proportionally_rated,reduced_rated,reverse_charge,standard_rated,taxable_basis_reduced,zero_rated>
taxable_amount!:n}[] tax_rates:s[]}[] expand:s[] invoice_metadata:{*}}`,
  Invoices_attachPayment: `POST /v1/invoices/{id}/attach_payment {expand:s[] payment_intent:s payment_record:s}`,
  Invoices_finalizeInvoice: `POST /v1/invoices/{id}/finalize {auto_advance:b expand:s[]}`,
  Invoices_markUncollectible: `POST /v1/invoices/{id}/mark_uncollectible {expand:s[]}`,
  Invoices_pay: `POST /v1/invoices/{id}/pay {expand:s[] forgive:b mandate:s off_session:b paid_out_of_band:b payment_method:s
source:s}`,
  Invoices_removeLines: `POST /v1/invoices/{id}/remove_lines {lines!:{behavior!:<delete,unassign> id!:s}[] expand:s[]
invoice_metadata:{*}}`,
  Invoices_sendInvoice: `POST /v1/invoices/{id}/send {expand:s[]}`,
  Invoices_updateLines: `POST /v1/invoices/{id}/update_lines {lines!:{amount:n description:s discountable:b discounts:{coupon:s
discount:s promotion_code:s}[] id!:s metadata:{*} period:{end!:n start!:n} price_data:{currency!:s product:s
product_data:{description:s images:s[] metadata:{*} name!:s tax_code:s tax_details:{performance_location:s
tax_code:s} unit_label:s} tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n unit_amount_decimal:s}
pricing:{price:s} quantity:n quantity_decimal:s tax_amounts:{amount!:n tax_rate_data!:{country:s description:s
display_name!:s inclusive!:b jurisdiction:s jurisdiction_level:<city,country,county,district,multiple,state>
percentage!:n state:s tax_type:s}
taxability_reason:<customer_exempt,not_collecting,not_subject_to_tax,not_supported,portion_product_exempt,portion_reduced_rated,portion_standard_rated,product_exempt,product_exempt_holiday,proportionally_rated,reduced_rated,reverse_charge,standard_rated,taxable_basis_reduced,zero_rated>
taxable_amount!:n}[] tax_rates:s[]}[] expand:s[] invoice_metadata:{*}}`,
  Invoices_voidInvoice: `POST /v1/invoices/{id}/void {expand:s[]}`,
  Invoices_createPreview: `POST /v1/invoices/create_preview {automatic_tax:{enabled!:b liability:{account:s type!:<account,self>}}
currency:s customer:s customer_account:s customer_details:{address:{city:s country:s line1:s line2:s
postal_code:s state:s} shipping:{address!:{city:s country:s line1:s line2:s postal_code:s state:s} name!:s
phone:s} tax:{ip_address:s} tax_exempt:<,exempt,none,reverse> tax_ids:{type!:s value!:s}[]} discounts:{coupon:s
discount:s promotion_code:s}[] expand:s[] invoice_items:{amount:n currency:s description:s discountable:b
discounts:{coupon:s discount:s promotion_code:s}[] invoiceitem:s metadata:{*} period:{end!:n start!:n} price:s
price_data:{currency!:s product!:s tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n
unit_amount_decimal:s} quantity:n quantity_decimal:s tax_behavior:<exclusive,inclusive,unspecified> tax_code:s
tax_rates:s[] unit_amount:n unit_amount_decimal:s}[] issuer:{account:s type!:<account,self>} on_behalf_of:s
preview_mode:<next,recurring> schedule:s
schedule_details:{billing_mode:{flexible:{proration_discounts:<included,itemized>} type!:<classic,flexible>}
end_behavior:<cancel,release> pause_schedules:{key:s pause:{pause_at:{timestamp:n type!:<now,timestamp>}
settings:{bill_for:{outstanding_usage_through:{type:<none,pause_at>}
unused_time_from:{type:<item_current_period_start,none,pause_at>}}
invoicing_behavior:<invoice,pending_invoice_item> type:<subscription>}}
resume:{resume_at:{duration:{interval!:<day,month,week,year> interval_count:n} timestamp:n
type!:<duration,now,timestamp>} settings:{billing_cycle_anchor:<resume_at,unchanged>
payment_behavior:<resume_on_payment_attempt,resume_on_payment_success>
proration_behavior:<always_invoice,create_prorations,none>}}}[] phases:{add_invoice_items:{discountable:b
discounts:{coupon:s discount:s promotion_code:s}[] metadata:{*} period:{end!:{timestamp:n
type!:<min_item_period_end,phase_end,timestamp>} start!:{timestamp:n
type!:<max_item_period_start,phase_start,timestamp>}} price:s price_data:{currency!:s product!:s
tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n unit_amount_decimal:s} quantity:n tax_rates:s[]}[]
application_fee_percent:n automatic_tax:{enabled!:b liability:{account:s type!:<account,self>}}
billing_cycle_anchor:<automatic,phase_start> billing_thresholds:{amount_gte:n reset_billing_cycle_anchor:b}
collection_method:<charge_automatically,send_invoice> currency:s default_payment_method:s default_tax_rates:s[]
description:s discounts:{coupon:s discount:s promotion_code:s}[] duration:{interval!:<day,month,week,year>
interval_count:n} end_date:n|<now> invoice_settings:{account_tax_ids:s[] days_until_due:n issuer:{account:s
type!:<account,self>}} items!:{billing_thresholds:{usage_gte!:n} discounts:{coupon:s discount:s
promotion_code:s}[] metadata:{*} plan:s price:s price_data:{currency!:s product!:s
recurring!:{interval!:<day,month,week,year> interval_count:n} tax_behavior:<exclusive,inclusive,unspecified>
unit_amount:n unit_amount_decimal:s} quantity:n tax_rates:s[]}[] metadata:{*} on_behalf_of:s
proration_behavior:<always_invoice,create_prorations,none> start_date:n|<now> transfer_data:{amount_percent:n
destination!:s} trial:b trial_end:n|<now>}[] proration_behavior:<always_invoice,create_prorations,none>}
subscription:s subscription_details:{billing_cycle_anchor:{timestamp:n type!:<now,timestamp,unchanged>}
billing_mode:{flexible:{proration_discounts:<included,itemized>} type!:<classic,flexible>}
billing_schedules:{applies_to:{price:s type!:<price>}[] bill_until:{duration:{interval!:<day,month,week,year>
interval_count:n} timestamp:n type!:<duration,timestamp>} key:s}[]
cancel_at:n|<,max_billed_until,max_period_end,min_period_end> cancel_at_period_end:b cancel_now:b
default_tax_rates:s[] items:{billing_thresholds:{usage_gte!:n} clear_usage:b current_trial:{trial_offer!:s}
deleted:b discounts:{coupon:s discount:s promotion_code:s}[] id:s metadata:{*} plan:s price:s
price_data:{currency!:s product!:s recurring!:{interval!:<day,month,week,year> interval_count:n}
tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n unit_amount_decimal:s} quantity:n tax_rates:s[]}[]
metadata:{*} pause:{bill_for:{outstanding_usage_through:{type!:<none,now>}
unused_time_from:{type!:<item_current_period_start,none,now>}}
invoicing_behavior:<invoice,pending_invoice_item> type:<subscription>}
proration_behavior:<always_invoice,create_prorations,none> proration_date:n resume_at:<now> start_date:n
trial_end:n|<now>}}`,
  Invoices_listLineItems: `GET /v1/invoices/{id}/lines {expand:s[] ending_before:s limit:n starting_after:s}`,
  Invoices_updateLineItem: `POST /v1/invoices/{invoiceId}/lines/{id} {amount:n description:s discountable:b discounts:{coupon:s discount:s
promotion_code:s}[] expand:s[] metadata:{*} period:{end!:n start!:n} price_data:{currency!:s product:s
product_data:{description:s images:s[] metadata:{*} name!:s tax_code:s tax_details:{performance_location:s
tax_code:s} unit_label:s} tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n unit_amount_decimal:s}
pricing:{price:s} quantity:n quantity_decimal:s tax_amounts:{amount!:n tax_rate_data!:{country:s description:s
display_name!:s inclusive!:b jurisdiction:s jurisdiction_level:<city,country,county,district,multiple,state>
percentage!:n state:s tax_type:s}
taxability_reason:<customer_exempt,not_collecting,not_subject_to_tax,not_supported,portion_product_exempt,portion_reduced_rated,portion_standard_rated,product_exempt,product_exempt_holiday,proportionally_rated,reduced_rated,reverse_charge,standard_rated,taxable_basis_reduced,zero_rated>
taxable_amount!:n}[] tax_rates:s[]}`,
  InvoiceItems_del: `DELETE /v1/invoiceitems/{id}`,
  InvoiceItems_retrieve: `GET /v1/invoiceitems/{id} {expand:s[]}`,
  InvoiceItems_update: `POST /v1/invoiceitems/{id} {amount:n description:s discountable:b discounts:{coupon:s discount:s
promotion_code:s}[] expand:s[] invoicing_rules:<> metadata:{*} period:{end!:n start!:n} price_data:{currency!:s
product!:s tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n unit_amount_decimal:s}
pricing:{price:s} quantity:n quantity_decimal:s tax_behavior:<exclusive,inclusive,unspecified> tax_code:s
tax_rates:s[] unit_amount_decimal:s}`,
  InvoiceItems_list: `GET /v1/invoiceitems {created:n|{gt:n gte:n lt:n lte:n} customer:s customer_account:s expand:s[] invoice:s
pending:b ending_before:s limit:n starting_after:s}`,
  InvoiceItems_create: `POST /v1/invoiceitems {amount:n currency:s customer:s customer_account:s description:s discountable:b
discounts:{coupon:s discount:s promotion_code:s}[] expand:s[] invoice:s metadata:{*} period:{end!:n start!:n}
price_data:{currency!:s product!:s tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n
unit_amount_decimal:s} pricing:{price:s} quantity:n quantity_decimal:s subscription:s
tax_behavior:<exclusive,inclusive,unspecified> tax_code:s tax_rates:s[] unit_amount_decimal:s}`,
  InvoicePayments_list: `GET /v1/invoice_payments {created:n|{gt:n gte:n lt:n lte:n} expand:s[] invoice:s payment:{payment_intent:s
payment_record:s type!:<payment_intent,payment_record>} status:<canceled,open,paid> ending_before:s limit:n
starting_after:s}`,
  InvoicePayments_retrieve: `GET /v1/invoice_payments/{id} {expand:s[]}`,
  Refunds_list: `GET /v1/refunds {charge:s created:n|{gt:n gte:n lt:n lte:n} expand:s[] payment_intent:s ending_before:s limit:n
starting_after:s}`,
  Refunds_create: `POST /v1/refunds {amount:n charge:s currency:s customer:s expand:s[] instructions_email:s metadata:{*}
origin:<customer_balance> payment_intent:s reason:<duplicate,fraudulent,requested_by_customer>
refund_application_fee:b reverse_transfer:b}`,
  Refunds_retrieve: `GET /v1/refunds/{id} {expand:s[]}`,
  Refunds_update: `POST /v1/refunds/{id} {expand:s[] metadata:{*}}`,
  Refunds_cancel: `POST /v1/refunds/{id}/cancel {expand:s[]}`,
  CreditNotes_list: `GET /v1/credit_notes {created:n|{gt:n gte:n lt:n lte:n} customer:s customer_account:s expand:s[] invoice:s
ending_before:s limit:n starting_after:s}`,
  CreditNotes_create: `POST /v1/credit_notes {invoice!:s amount:n credit_amount:n effective_at:n email_type:<credit_note,none>
expand:s[] lines:{amount:n description:s invoice_line_item:s metadata:{*} quantity:n tax_amounts:{amount!:n
tax_rate!:s taxable_amount!:n}[] tax_rates:s[] type!:<custom_line_item,invoice_line_item> unit_amount:n
unit_amount_decimal:s}[] memo:s metadata:{*} out_of_band_amount:n
reason:<duplicate,fraudulent,order_change,product_unsatisfactory> refund_amount:n refunds:{amount_refunded:n
payment_record_refund:{payment_record!:s refund_group!:s} refund:s type:<payment_record_refund,refund>}[]
shipping_cost:{shipping_rate:s}}`,
  CreditNotes_retrieve: `GET /v1/credit_notes/{id} {expand:s[]}`,
  CreditNotes_update: `POST /v1/credit_notes/{id} {expand:s[] memo:s metadata:{*}}`,
  CreditNotes_preview: `GET /v1/credit_notes/preview {invoice!:s amount:n credit_amount:n effective_at:n email_type:<credit_note,none>
expand:s[] lines:{amount:n description:s invoice_line_item:s metadata:{*} quantity:n tax_amounts:{amount!:n
tax_rate!:s taxable_amount!:n}[] tax_rates:s[] type!:<custom_line_item,invoice_line_item> unit_amount:n
unit_amount_decimal:s}[] memo:s metadata:{*} out_of_band_amount:n
reason:<duplicate,fraudulent,order_change,product_unsatisfactory> refund_amount:n refunds:{amount_refunded:n
payment_record_refund:{payment_record!:s refund_group!:s} refund:s type:<payment_record_refund,refund>}[]
shipping_cost:{shipping_rate:s}}`,
  CreditNotes_voidCreditNote: `POST /v1/credit_notes/{id}/void {expand:s[]}`,
  CreditNotes_listPreviewLineItems: `GET /v1/credit_notes/preview/lines {invoice!:s amount:n credit_amount:n effective_at:n
email_type:<credit_note,none> expand:s[] lines:{amount:n description:s invoice_line_item:s metadata:{*}
quantity:n tax_amounts:{amount!:n tax_rate!:s taxable_amount!:n}[] tax_rates:s[]
type!:<custom_line_item,invoice_line_item> unit_amount:n unit_amount_decimal:s}[] memo:s metadata:{*}
out_of_band_amount:n reason:<duplicate,fraudulent,order_change,product_unsatisfactory> refund_amount:n
refunds:{amount_refunded:n payment_record_refund:{payment_record!:s refund_group!:s} refund:s
type:<payment_record_refund,refund>}[] shipping_cost:{shipping_rate:s} ending_before:s limit:n
starting_after:s}`,
  CreditNotes_listLineItems: `GET /v1/credit_notes/{id}/lines {expand:s[] ending_before:s limit:n starting_after:s}`,
};
