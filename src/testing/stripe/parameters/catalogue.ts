/** Operations and what they take, as scripts/stripe-parameters.ts wrote them. */
export const catalogueOperations = {
  Prices_list: `GET /v1/prices {active:b created:n|{gt:n gte:n lt:n lte:n} currency:s expand:s[] lookup_keys:s[] product:s
recurring:{interval:<day,month,week,year> meter:s usage_type:<licensed,metered>} type:<one_time,recurring>
ending_before:s limit:n starting_after:s}`,
  Prices_create: `POST /v1/prices {currency!:s active:b billing_scheme:<per_unit,tiered>
currency_options:{*:{custom_unit_amount:{enabled!:b maximum:n minimum:n preset:n}
tax_behavior:<exclusive,inclusive,unspecified> tiers:{flat_amount:n flat_amount_decimal:s unit_amount:n
unit_amount_decimal:s up_to!:n|<inf>}[] unit_amount:n unit_amount_decimal:s}} custom_unit_amount:{enabled!:b
maximum:n minimum:n preset:n} expand:s[] lookup_key:s metadata:{*} nickname:s product:s product_data:{active:b
id:s metadata:{*} name!:s statement_descriptor:s tax_code:s tax_details:{performance_location:s tax_code:s}
unit_label:s} recurring:{interval!:<day,month,week,year> interval_count:n meter:s trial_period_days:n
usage_type:<licensed,metered>} tax_behavior:<exclusive,inclusive,unspecified> tiers:{flat_amount:n
flat_amount_decimal:s unit_amount:n unit_amount_decimal:s up_to!:n|<inf>}[] tiers_mode:<graduated,volume>
transfer_lookup_key:b transform_quantity:{divide_by!:n round!:<down,up>} unit_amount:n unit_amount_decimal:s}`,
  Prices_retrieve: `GET /v1/prices/{id} {expand:s[]}`,
  Prices_update: `POST /v1/prices/{id} {active:b currency_options:{*:{custom_unit_amount:{enabled!:b maximum:n minimum:n
preset:n} tax_behavior:<exclusive,inclusive,unspecified> tiers:{flat_amount:n flat_amount_decimal:s
unit_amount:n unit_amount_decimal:s up_to!:n|<inf>}[] unit_amount:n unit_amount_decimal:s}} expand:s[]
lookup_key:s metadata:{*} nickname:s tax_behavior:<exclusive,inclusive,unspecified> transfer_lookup_key:b}`,
  Prices_search: `GET /v1/prices/search {query!:s expand:s[] limit:n page:s}`,
  Products_del: `DELETE /v1/products/{id}`,
  Products_retrieve: `GET /v1/products/{id} {expand:s[]}`,
  Products_update: `POST /v1/products/{id} {active:b default_price:s description:s expand:s[] images:s[]
marketing_features:{name!:s}[] metadata:{*} name:s package_dimensions:{height!:n length!:n weight!:n width!:n}
shippable:b statement_descriptor:s tax_code:s tax_details:{performance_location:s tax_code:s} unit_label:s
url:s}`,
  Products_list: `GET /v1/products {active:b created:n|{gt:n gte:n lt:n lte:n} expand:s[] ids:s[] shippable:b type:<good,service>
url:s ending_before:s limit:n starting_after:s}`,
  Products_create: `POST /v1/products {name!:s active:b default_price_data:{currency!:s
currency_options:{*:{custom_unit_amount:{enabled!:b maximum:n minimum:n preset:n}
tax_behavior:<exclusive,inclusive,unspecified> tiers:{flat_amount:n flat_amount_decimal:s unit_amount:n
unit_amount_decimal:s up_to!:n|<inf>}[] unit_amount:n unit_amount_decimal:s}} custom_unit_amount:{enabled!:b
maximum:n minimum:n preset:n} metadata:{*} recurring:{interval!:<day,month,week,year> interval_count:n}
tax_behavior:<exclusive,inclusive,unspecified> unit_amount:n unit_amount_decimal:s} description:s expand:s[]
id:s images:s[] marketing_features:{name!:s}[] metadata:{*} package_dimensions:{height!:n length!:n weight!:n
width!:n} shippable:b statement_descriptor:s tax_code:s tax_details:{performance_location:s tax_code:s}
type:<good,service> unit_label:s url:s}`,
  Products_search: `GET /v1/products/search {query!:s expand:s[] limit:n page:s}`,
  Products_deleteFeature: `DELETE /v1/products/{productId}/features/{id}`,
  Products_retrieveFeature: `GET /v1/products/{productId}/features/{id} {expand:s[]}`,
  Products_listFeatures: `GET /v1/products/{id}/features {expand:s[] ending_before:s limit:n starting_after:s}`,
  Products_createFeature: `POST /v1/products/{id}/features {entitlement_feature!:s expand:s[]}`,
  Coupons_del: `DELETE /v1/coupons/{id}`,
  Coupons_retrieve: `GET /v1/coupons/{id} {expand:s[]}`,
  Coupons_update: `POST /v1/coupons/{id} {currency_options:{*:{amount_off!:n}} expand:s[] metadata:{*} name:s}`,
  Coupons_list: `GET /v1/coupons {created:n|{gt:n gte:n lt:n lte:n} expand:s[] ending_before:s limit:n starting_after:s}`,
  Coupons_create: `POST /v1/coupons {amount_off:n applies_to:{products:s[]} currency:s currency_options:{*:{amount_off!:n}}
duration:<forever,once,repeating> duration_in_months:n expand:s[] id:s max_redemptions:n metadata:{*} name:s
percent_off:n redeem_by:n}`,
  PromotionCodes_list: `GET /v1/promotion_codes {active:b code:s coupon:s created:n|{gt:n gte:n lt:n lte:n} customer:s
customer_account:s expand:s[] ending_before:s limit:n starting_after:s}`,
  PromotionCodes_create: `POST /v1/promotion_codes {promotion!:{coupon:s type!:<coupon>} active:b code:s customer:s customer_account:s
expand:s[] expires_at:n max_redemptions:n metadata:{*} restrictions:{currency_options:{*:{minimum_amount:n}}
first_time_transaction:b minimum_amount:n minimum_amount_currency:s}}`,
  PromotionCodes_retrieve: `GET /v1/promotion_codes/{id} {expand:s[]}`,
  PromotionCodes_update: `POST /v1/promotion_codes/{id} {active:b expand:s[] metadata:{*}
restrictions:{currency_options:{*:{minimum_amount:n}}}}`,
  Billing_Meters_list: `GET /v1/billing/meters {expand:s[] status:<active,inactive> ending_before:s limit:n starting_after:s}`,
  Billing_Meters_create: `POST /v1/billing/meters {default_aggregation!:{formula!:<count,last,sum>} display_name!:s event_name!:s
customer_mapping:{event_payload_key!:s type!:<by_id>} event_time_window:<day,hour> expand:s[]
value_settings:{event_payload_key!:s}}`,
  Billing_Meters_retrieve: `GET /v1/billing/meters/{id} {expand:s[]}`,
  Billing_Meters_update: `POST /v1/billing/meters/{id} {display_name:s expand:s[]}`,
  Billing_Meters_deactivate: `POST /v1/billing/meters/{id}/deactivate {expand:s[]}`,
  Billing_Meters_reactivate: `POST /v1/billing/meters/{id}/reactivate {expand:s[]}`,
  Billing_Meters_listEventSummaries: `GET /v1/billing/meters/{id}/event_summaries {customer!:s end_time!:n start_time!:n expand:s[]
value_grouping_window:<day,hour> ending_before:s limit:n starting_after:s}`,
  Billing_MeterEvents_create: `POST /v1/billing/meter_events {event_name!:s payload!:{*} expand:s[] identifier:s timestamp:n}`,
  Billing_MeterEventAdjustments_create: `POST /v1/billing/meter_event_adjustments {event_name!:s type!:<cancel> cancel:{identifier:s} expand:s[]}`,
  Entitlements_Features_list: `GET /v1/entitlements/features {archived:b expand:s[] lookup_key:s ending_before:s limit:n starting_after:s}`,
  Entitlements_Features_create: `POST /v1/entitlements/features {lookup_key!:s name!:s expand:s[] metadata:{*}}`,
  Entitlements_Features_retrieve: `GET /v1/entitlements/features/{id} {expand:s[]}`,
  Entitlements_Features_update: `POST /v1/entitlements/features/{id} {active:b expand:s[] metadata:{*} name:s}`,
  Entitlements_ActiveEntitlements_list: `GET /v1/entitlements/active_entitlements {customer!:s expand:s[] ending_before:s limit:n starting_after:s}`,
  Entitlements_ActiveEntitlements_retrieve: `GET /v1/entitlements/active_entitlements/{id} {expand:s[]}`,
};
