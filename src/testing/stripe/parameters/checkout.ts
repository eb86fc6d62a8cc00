/** Operations and what they take, as scripts/stripe-parameters.ts wrote them. */
export const checkoutOperations = {
  Checkout_Sessions_list: `GET /v1/checkout/sessions {created:n|{gt:n gte:n lt:n lte:n} customer:s customer_account:s
customer_details:{email!:s} expand:s[] payment_intent:s payment_link:s status:<complete,expired,open>
subscription:s ending_before:s limit:n starting_after:s}`,
  Checkout_Sessions_create: `POST /v1/checkout/sessions {adaptive_pricing:{enabled:b} after_expiration:{recovery:{allow_promotion_codes:b
enabled!:b}} allow_promotion_codes:b allowed_payment_method_types:s[] automatic_tax:{enabled!:b
liability:{account:s type!:<account,self>}} billing_address_collection:<auto,required>
branding_settings:{background_color:s border_style:<,pill,rectangular,rounded> button_color:s display_name:s
font_family:s icon:{file:s type!:<file,url> url:s} logo:{file:s type!:<file,url> url:s}} cancel_url:s
client_reference_id:s consent_collection:{payment_method_reuse_agreement:{position!:<auto,hidden>}
promotions:<auto,none> terms_of_service:<none,required>} currency:s custom_fields:{dropdown:{default_value:s
options!:{label!:s value!:s}[]} key!:s label!:{custom!:s type!:<custom>} numeric:{default_value:s
maximum_length:n minimum_length:n} optional:b text:{default_value:s maximum_length:n minimum_length:n}
type!:<dropdown,numeric,text>}[] custom_text:{after_submit:{message!:s} shipping_address:{message!:s}
submit:{message!:s} terms_of_service_acceptance:{message!:s}} customer:s customer_account:s
customer_creation:<always,if_required> customer_email:s customer_update:{address:<auto,never> name:<auto,never>
shipping:<auto,never>} discounts:{coupon:s promotion_code:s}[] excluded_payment_method_types:s[] expand:s[]
expires_at:n integration_identifier:s invoice_creation:{enabled!:b invoice_data:{account_tax_ids:s[]
custom_fields:{name!:s value!:s}[] description:s footer:s issuer:{account:s type!:<account,self>} metadata:{*}
rendering_options:{amount_tax_display:<,exclude_tax,include_inclusive_tax> template:s}}}
line_items:{adjustable_quantity:{enabled!:b maximum:n minimum:n} metadata:{*} price:s price_data:{currency!:s
product:s product_data:{description:s images:s[] metadata:{*} name!:s tax_code:s
tax_details:{performance_location:s tax_code:s} unit_label:s} recurring:{interval!:<day,month,week,year>
interval_count:n} tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n unit_amount_decimal:s}
quantity:n tax_rates:s[]}[] locale:s managed_payments:{enabled:b} metadata:{*}
mode:<payment,setup,subscription> name_collection:{business:{enabled!:b optional:b} individual:{enabled!:b
optional:b}} optional_items:{adjustable_quantity:{enabled!:b maximum:n minimum:n} price!:s quantity!:n}[]
origin_context:<mobile_app,web> payment_intent_data:{application_fee_amount:n
capture_method:<automatic,automatic_async,manual> description:s metadata:{*} on_behalf_of:s receipt_email:s
setup_future_usage:<off_session,on_session> shipping:{address!:{line1!:s city:s country:s line2:s postal_code:s
state:s} carrier:s name!:s phone:s tracking_number:s} statement_descriptor:s statement_descriptor_suffix:s
transfer_data:{amount:n destination!:s} transfer_group:s} payment_method_collection:<always,if_required>
payment_method_configuration:s payment_method_data:{*} payment_method_options:{*}
permissions:{update_shipping_details:<client_only,server_only>} phone_number_collection:{enabled!:b}
redirect_on_completion:<always,if_required,never> return_url:s
saved_payment_method_options:{allow_redisplay_filters:<always,limited,unspecified>[]
payment_method_remove:<disabled,enabled> payment_method_save:<disabled,enabled>}
setup_intent_data:{description:s metadata:{*} on_behalf_of:s}
shipping_address_collection:{allowed_countries!:s[]} shipping_options:{shipping_rate:s
shipping_rate_data:{delivery_estimate:{maximum:{unit!:<business_day,day,hour,month,week> value!:n}
minimum:{unit!:<business_day,day,hour,month,week> value!:n}} display_name!:s fixed_amount:{amount!:n
currency!:s currency_options:{*:{amount!:n tax_behavior:<exclusive,inclusive,unspecified>}}} metadata:{*}
tax_behavior:<exclusive,inclusive,unspecified> tax_code:s type:<fixed_amount>}}[]
submit_type:<auto,book,donate,pay,subscribe> subscription_data:{application_fee_percent:n
billing_cycle_anchor:n billing_cycle_anchor_config:{day_of_month!:n hour:n minute:n month:n second:n}
billing_mode:{flexible:{proration_discounts:<included,itemized>} type!:<classic,flexible>}
default_tax_rates:s[] description:s invoice_settings:{account_tax_ids:s[] custom_fields:{name!:s value!:s}[]
description:s footer:s issuer:{account:s type!:<account,self>}} metadata:{*} on_behalf_of:s
pending_invoice_item_interval:{interval!:<day,month,week,year> interval_count:n}
proration_behavior:<create_prorations,none> transfer_data:{amount_percent:n destination!:s} trial_end:n
trial_period_days:n trial_settings:{end_behavior!:{missing_payment_method!:<cancel,create_invoice,pause>}}}
success_url:s tax_id_collection:{enabled!:b required:<if_supported,never>}
ui_mode:<elements,embedded_page,form,hosted_page> wallet_options:{link:{display:<auto,never>}}}`,
  Checkout_Sessions_retrieve: `GET /v1/checkout/sessions/{id} {expand:s[]}`,
  Checkout_Sessions_update: `POST /v1/checkout/sessions/{id} {collected_information:{shipping_details:{address!:{city:s country!:s line1!:s
line2:s postal_code:s state:s} name!:s}} expand:s[] line_items:{adjustable_quantity:{enabled!:b maximum:n
minimum:n} id:s metadata:{*} price:s price_data:{currency!:s product:s product_data:{description:s images:s[]
metadata:{*} name!:s tax_code:s tax_details:{performance_location:s tax_code:s} unit_label:s}
recurring:{interval!:<day,month,week,year> interval_count:n} tax_behavior:<exclusive,inclusive,unspecified>
unit_amount:n unit_amount_decimal:s} quantity:n tax_rates:s[]}[] metadata:{*}
payment_intent_data:{description:s metadata:{*} setup_future_usage:<,off_session,on_session>
statement_descriptor:s statement_descriptor_suffix:s} shipping_options:{shipping_rate:s
shipping_rate_data:{delivery_estimate:{maximum:{unit!:<business_day,day,hour,month,week> value!:n}
minimum:{unit!:<business_day,day,hour,month,week> value!:n}} display_name!:s fixed_amount:{amount!:n
currency!:s currency_options:{*:{amount!:n tax_behavior:<exclusive,inclusive,unspecified>}}} metadata:{*}
tax_behavior:<exclusive,inclusive,unspecified> tax_code:s type:<fixed_amount>}}[]}`,
  Checkout_Sessions_expire: `POST /v1/checkout/sessions/{id}/expire {expand:s[]}`,
  Checkout_Sessions_listLineItems: `GET /v1/checkout/sessions/{id}/line_items {expand:s[] ending_before:s limit:n starting_after:s}`,
  BillingPortal_Sessions_create: `POST /v1/billing_portal/sessions {after_expiration:{customer_login:{expires_at:n} type!:<customer_login>}
configuration:s customer:s customer_account:s expand:s[]
flow_data:{after_completion:{hosted_confirmation:{custom_message:s} redirect:{return_url!:s}
type!:<hosted_confirmation,portal_homepage,redirect>} subscription_cancel:{retention:{coupon_offer!:{coupon!:s}
type!:<coupon_offer>} subscription!:s} subscription_pause:{subscription!:s}
subscription_update:{subscription!:s} subscription_update_confirm:{discounts:{coupon:s promotion_code:s}[]
items!:{id!:s price:s quantity:n}[] subscription!:s}
type!:<customer_update,payment_method_update,subscription_cancel,subscription_pause,subscription_update,subscription_update_confirm>}
locale:s on_behalf_of:s return_url:s}`,
  BillingPortal_Configurations_list: `GET /v1/billing_portal/configurations {active:b expand:s[] is_default:b ending_before:s limit:n
starting_after:s}`,
  BillingPortal_Configurations_create: `POST /v1/billing_portal/configurations
{features!:{customer_update:{allowed_updates:<address,email,name,phone,shipping,tax_id>[] enabled!:b}
invoice_history:{enabled!:b} payment_method_update:{enabled!:b payment_method_configuration:s}
subscription_cancel:{cancellation_reason:{enabled!:b feedback_options:s[]
options!:<customer_service,low_quality,missing_features,other,switched_service,too_complex,too_expensive,unused>[]}
enabled!:b mode:<at_period_end,immediately> proration_behavior:<always_invoice,create_prorations,none>}
subscription_pause:{duration:{interval_options:{interval!:<day,month,week,year> interval_count:n}[]
type!:<indefinite,interval_options>} enabled:b} subscription_update:{billing_cycle_anchor:<now,unchanged>
default_allowed_updates:<price,promotion_code,quantity>[] enabled!:b products:{adjustable_quantity:{enabled!:b
maximum:n minimum:n} prices!:s[] product!:s}[] proration_behavior:<always_invoice,create_prorations,none>
schedule_at_period_end:{conditions:{type!:<decreasing_item_amount,shortening_interval>}[]}
trial_update_behavior:<continue_trial,end_trial>}} business_profile:{headline:s privacy_policy_url:s
terms_of_service_url:s} default_return_url:s expand:s[] login_page:{enabled!:b} metadata:{*} name:s}`,
  BillingPortal_Configurations_retrieve: `GET /v1/billing_portal/configurations/{id} {expand:s[]}`,
  BillingPortal_Configurations_update: `POST /v1/billing_portal/configurations/{id} {active:b business_profile:{headline:s privacy_policy_url:s
terms_of_service_url:s} default_return_url:s expand:s[]
features:{customer_update:{allowed_updates:<address,email,name,phone,shipping,tax_id>[] enabled:b}
invoice_history:{enabled!:b} payment_method_update:{enabled!:b payment_method_configuration:s}
subscription_cancel:{cancellation_reason:{enabled!:b feedback_options:s[]
options:<customer_service,low_quality,missing_features,other,switched_service,too_complex,too_expensive,unused>[]}
enabled:b mode:<at_period_end,immediately> proration_behavior:<always_invoice,create_prorations,none>}
subscription_pause:{duration:{interval_options:{interval!:<day,month,week,year> interval_count:n}[]
type!:<indefinite,interval_options>} enabled:b} subscription_update:{billing_cycle_anchor:<now,unchanged>
default_allowed_updates:<price,promotion_code,quantity>[] enabled:b products:{adjustable_quantity:{enabled!:b
maximum:n minimum:n} prices!:s[] product!:s}[] proration_behavior:<always_invoice,create_prorations,none>
schedule_at_period_end:{conditions:{type!:<decreasing_item_amount,shortening_interval>}[]}
trial_update_behavior:<continue_trial,end_trial>}} login_page:{enabled!:b} metadata:{*} name:s}`,
};
