/** Operations and what they take, as scripts/stripe-parameters.ts wrote them. */
export const subscriptionsOperations = {
  Subscriptions_cancel: `DELETE /v1/subscriptions/{id} {cancellation_details:{comment:s
feedback:<,customer_service,low_quality,missing_features,other,switched_service,too_complex,too_expensive,unused>
feedback_option:s} expand:s[] invoice_now:b prorate:b}`,
  Subscriptions_retrieve: `GET /v1/subscriptions/{id} {expand:s[]}`,
  Subscriptions_update: `POST /v1/subscriptions/{id} {add_invoice_items:{discountable:b discounts:{coupon:s discount:s
promotion_code:s}[] metadata:{*} period:{end!:{timestamp:n type!:<min_item_period_end,timestamp>}
start!:{timestamp:n type!:<max_item_period_start,now,timestamp>}} price:s price_data:{currency!:s product!:s
tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n unit_amount_decimal:s} quantity:n tax_rates:s[]}[]
application_fee_percent:n automatic_tax:{enabled!:b liability:{account:s type!:<account,self>}}
billing_cycle_anchor:{type!:<now,unchanged>} billing_schedules:{applies_to:{price:s type!:<price>}[]
bill_until:{duration:{interval!:<day,month,week,year> interval_count:n} timestamp:n type!:<duration,timestamp>}
key:s}[] billing_thresholds:{amount_gte:n reset_billing_cycle_anchor:b}
cancel_at:n|<,max_billed_until,max_period_end,min_period_end> cancel_at_period_end:b
cancellation_details:{comment:s
feedback:<,customer_service,low_quality,missing_features,other,switched_service,too_complex,too_expensive,unused>
feedback_option:s} collection_method:<charge_automatically,send_invoice> days_until_due:n
default_payment_method:s default_source:s default_tax_rates:s[] description:s discounts:{coupon:s discount:s
promotion_code:s}[] expand:s[] invoice_settings:{account_tax_ids:s[] custom_fields:{name!:s value!:s}[]
description:s footer:s issuer:{account:s type!:<account,self>}} items:{billing_thresholds:{usage_gte!:n}
clear_usage:b current_trial:{trial_offer!:s} deleted:b discounts:{coupon:s discount:s promotion_code:s}[] id:s
metadata:{*} plan:s price:s price_data:{currency!:s product!:s recurring!:{interval!:<day,month,week,year>
interval_count:n} tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n unit_amount_decimal:s}
quantity:n tax_rates:s[]}[] metadata:{*} off_session:b on_behalf_of:s
pause_collection:{behavior!:<keep_as_draft,mark_uncollectible,void> resumes_at:n}
payment_behavior:<allow_incomplete,default_incomplete,error_if_incomplete,pending_if_incomplete>
payment_settings:{payment_method_options:{*} payment_method_types:s[]
save_default_payment_method:<off,on_subscription>}
pending_invoice_item_interval:{interval!:<day,month,week,year> interval_count:n}
proration_behavior:<always_invoice,create_prorations,none> proration_date:n transfer_data:{amount_percent:n
destination!:s} trial_end:n|<now> trial_from_plan:b
trial_settings:{end_behavior!:{billing_cycle_anchor:<now,unchanged>
missing_payment_method:<cancel,create_invoice,pause>}}}`,
  Subscriptions_deleteDiscount: `DELETE /v1/subscriptions/{id}/discount`,
  Subscriptions_list: `GET /v1/subscriptions {automatic_tax:{enabled!:b} collection_method:<charge_automatically,send_invoice>
created:n|{gt:n gte:n lt:n lte:n} current_period_end:n|{gt:n gte:n lt:n lte:n} current_period_start:n|{gt:n
gte:n lt:n lte:n} customer:s customer_account:s expand:s[] plan:s price:s
status:<active,all,canceled,ended,incomplete,incomplete_expired,past_due,paused,trialing,unpaid> test_clock:s
ending_before:s limit:n starting_after:s}`,
  Subscriptions_create: `POST /v1/subscriptions {add_invoice_items:{discountable:b discounts:{coupon:s discount:s promotion_code:s}[]
metadata:{*} period:{end!:{timestamp:n type!:<min_item_period_end,timestamp>} start!:{timestamp:n
type!:<max_item_period_start,now,timestamp>}} price:s price_data:{currency!:s product!:s
tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n unit_amount_decimal:s} quantity:n tax_rates:s[]}[]
application_fee_percent:n automatic_tax:{enabled!:b liability:{account:s type!:<account,self>}}
backdate_start_date:n billing_cycle_anchor:n billing_cycle_anchor_config:{day_of_month!:n hour:n minute:n
month:n second:n} billing_mode:{flexible:{proration_discounts:<included,itemized>} type!:<classic,flexible>}
billing_schedules:{applies_to:{price:s type!:<price>}[] bill_until!:{duration:{interval!:<day,month,week,year>
interval_count:n} timestamp:n type!:<duration,timestamp>} key:s}[] billing_thresholds:{amount_gte:n
reset_billing_cycle_anchor:b} cancel_at:n|<max_billed_until,max_period_end,min_period_end>
cancel_at_period_end:b collection_method:<charge_automatically,send_invoice> currency:s customer:s
customer_account:s days_until_due:n default_payment_method:s default_source:s default_tax_rates:s[]
description:s discounts:{coupon:s discount:s promotion_code:s}[] expand:s[]
invoice_settings:{account_tax_ids:s[] custom_fields:{name!:s value!:s}[] description:s footer:s
issuer:{account:s type!:<account,self>}} items:{billing_thresholds:{usage_gte!:n}
current_trial:{trial_offer!:s} discounts:{coupon:s discount:s promotion_code:s}[] metadata:{*} plan:s price:s
price_data:{currency!:s product!:s recurring!:{interval!:<day,month,week,year> interval_count:n}
tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n unit_amount_decimal:s} quantity:n tax_rates:s[]}[]
metadata:{*} off_session:b on_behalf_of:s
payment_behavior:<allow_incomplete,default_incomplete,error_if_incomplete,pending_if_incomplete>
payment_settings:{payment_method_options:{*} payment_method_types:s[]
save_default_payment_method:<off,on_subscription>}
pending_invoice_item_interval:{interval!:<day,month,week,year> interval_count:n}
proration_behavior:<always_invoice,create_prorations,none> transfer_data:{amount_percent:n destination!:s}
trial_end:n|<now> trial_from_plan:b trial_period_days:n
trial_settings:{end_behavior!:{billing_cycle_anchor:<now,unchanged>
missing_payment_method:<cancel,create_invoice,pause>}}}`,
  Subscriptions_search: `GET /v1/subscriptions/search {query!:s expand:s[] limit:n page:s}`,
  Subscriptions_migrate: `POST /v1/subscriptions/{id}/migrate {billing_mode!:{flexible:{proration_discounts:<included,itemized>}
type!:<flexible>} expand:s[]}`,
  Subscriptions_pause: `POST /v1/subscriptions/{id}/pause {bill_for:{outstanding_usage_through:{type!:<none,now>}
unused_time_from:{type!:<item_current_period_start,none,now>}} expand:s[]
invoicing_behavior:<invoice,pending_invoice_item> type:<subscription>}`,
  Subscriptions_resume: `POST /v1/subscriptions/{id}/resume {billing_cycle_anchor:{type!:<now,unchanged>} expand:s[]
payment_behavior:<resume_on_payment_attempt,resume_on_payment_success>
proration_behavior:<always_invoice,create_prorations,none> proration_date:n}`,
  SubscriptionItems_del: `DELETE /v1/subscription_items/{id} {clear_usage:b
payment_behavior:<allow_incomplete,default_incomplete,error_if_incomplete,pending_if_incomplete>
proration_behavior:<always_invoice,create_prorations,none> proration_date:n}`,
  SubscriptionItems_retrieve: `GET /v1/subscription_items/{id} {expand:s[]}`,
  SubscriptionItems_update: `POST /v1/subscription_items/{id} {billing_thresholds:{usage_gte!:n} current_trial:{trial_offer!:s}
discounts:{coupon:s discount:s promotion_code:s}[] expand:s[] metadata:{*} off_session:b
payment_behavior:<allow_incomplete,default_incomplete,error_if_incomplete,pending_if_incomplete> plan:s price:s
price_data:{currency!:s product!:s recurring!:{interval!:<day,month,week,year> interval_count:n}
tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n unit_amount_decimal:s}
proration_behavior:<always_invoice,create_prorations,none> proration_date:n quantity:n tax_rates:s[]}`,
  SubscriptionItems_list: `GET /v1/subscription_items {subscription!:s expand:s[] ending_before:s limit:n starting_after:s}`,
  SubscriptionItems_create: `POST /v1/subscription_items {subscription!:s billing_thresholds:{usage_gte!:n} current_trial:{trial_offer!:s}
discounts:{coupon:s discount:s promotion_code:s}[] expand:s[] metadata:{*}
payment_behavior:<allow_incomplete,default_incomplete,error_if_incomplete,pending_if_incomplete> plan:s price:s
price_data:{currency!:s product!:s recurring!:{interval!:<day,month,week,year> interval_count:n}
tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n unit_amount_decimal:s}
proration_behavior:<always_invoice,create_prorations,none> proration_date:n quantity:n tax_rates:s[]}`,
  SubscriptionSchedules_list: `GET /v1/subscription_schedules {canceled_at:n|{gt:n gte:n lt:n lte:n} completed_at:n|{gt:n gte:n lt:n lte:n}
created:n|{gt:n gte:n lt:n lte:n} customer:s customer_account:s expand:s[] released_at:n|{gt:n gte:n lt:n
lte:n} scheduled:b ending_before:s limit:n starting_after:s}`,
  SubscriptionSchedules_create: `POST /v1/subscription_schedules {billing_mode:{flexible:{proration_discounts:<included,itemized>}
type!:<classic,flexible>} customer:s customer_account:s default_settings:{application_fee_percent:n
automatic_tax:{enabled!:b liability:{account:s type!:<account,self>}}
billing_cycle_anchor:<automatic,phase_start> billing_thresholds:{amount_gte:n reset_billing_cycle_anchor:b}
collection_method:<charge_automatically,send_invoice> default_payment_method:s description:s
invoice_settings:{account_tax_ids:s[] custom_fields:{name!:s value!:s}[] days_until_due:n description:s
footer:s issuer:{account:s type!:<account,self>}} on_behalf_of:s transfer_data:{amount_percent:n
destination!:s}} end_behavior:<cancel,none,release,renew> expand:s[] from_subscription:s metadata:{*}
pause_schedules:{key:s pause:{pause_at!:{timestamp:n type!:<now,timestamp>}
settings:{bill_for:{outstanding_usage_through:{type:<none,pause_at>}
unused_time_from:{type:<item_current_period_start,none,pause_at>}}
invoicing_behavior:<invoice,pending_invoice_item> type:<subscription>}}
resume:{resume_at!:{duration:{interval!:<day,month,week,year> interval_count:n} timestamp:n
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
interval_count:n} end_date:n invoice_settings:{account_tax_ids:s[] custom_fields:{name!:s value!:s}[]
days_until_due:n description:s footer:s issuer:{account:s type!:<account,self>}}
items!:{billing_thresholds:{usage_gte!:n} discounts:{coupon:s discount:s promotion_code:s}[] metadata:{*}
plan:s price:s price_data:{currency!:s product!:s recurring!:{interval!:<day,month,week,year> interval_count:n}
tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n unit_amount_decimal:s} quantity:n tax_rates:s[]}[]
metadata:{*} on_behalf_of:s proration_behavior:<always_invoice,create_prorations,none>
transfer_data:{amount_percent:n destination!:s} trial:b trial_end:n}[] start_date:n|<now>}`,
  SubscriptionSchedules_retrieve: `GET /v1/subscription_schedules/{id} {expand:s[]}`,
  SubscriptionSchedules_update: `POST /v1/subscription_schedules/{id} {default_settings:{application_fee_percent:n automatic_tax:{enabled!:b
liability:{account:s type!:<account,self>}} billing_cycle_anchor:<automatic,phase_start>
billing_thresholds:{amount_gte:n reset_billing_cycle_anchor:b}
collection_method:<charge_automatically,send_invoice> default_payment_method:s description:s
invoice_settings:{account_tax_ids:s[] custom_fields:{name!:s value!:s}[] days_until_due:n description:s
footer:s issuer:{account:s type!:<account,self>}} on_behalf_of:s transfer_data:{amount_percent:n
destination!:s}} end_behavior:<cancel,none,release,renew> expand:s[] metadata:{*} pause_schedules:{key:s
pause:{pause_at:{timestamp:n type!:<now,timestamp>}
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
interval_count:n} end_date:n|<now> invoice_settings:{account_tax_ids:s[] custom_fields:{name!:s value!:s}[]
days_until_due:n description:s footer:s issuer:{account:s type!:<account,self>}}
items!:{billing_thresholds:{usage_gte!:n} discounts:{coupon:s discount:s promotion_code:s}[] metadata:{*}
plan:s price:s price_data:{currency!:s product!:s recurring!:{interval!:<day,month,week,year> interval_count:n}
tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n unit_amount_decimal:s} quantity:n tax_rates:s[]}[]
metadata:{*} on_behalf_of:s proration_behavior:<always_invoice,create_prorations,none> start_date:n|<now>
transfer_data:{amount_percent:n destination!:s} trial:b trial_end:n|<now>}[]
proration_behavior:<always_invoice,create_prorations,none>}`,
  SubscriptionSchedules_cancel: `POST /v1/subscription_schedules/{id}/cancel {expand:s[] invoice_now:b prorate:b}`,
  SubscriptionSchedules_release: `POST /v1/subscription_schedules/{id}/release {expand:s[] preserve_cancel_date:b}`,
};
