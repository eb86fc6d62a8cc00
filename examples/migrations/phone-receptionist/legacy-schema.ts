import type { ColumnType, Generated } from 'kysely';

type Timestamp = ColumnType<Date, Date | string, Date | string>;
type Money = ColumnType<string, string | number, string | number>;

/** A business whose phone is answered: what the operator set up by hand for each customer. */
export interface BusinessTable {
  id: Generated<number>;
  name: string | null;
  /** `restaurant`, `salon`, `clinic` …, as typed. */
  business_type: string | null;
  /** Who ordered it; the same person may have several businesses, written in any case, and a few have nobody. */
  owner_email: string | null;
  owner_name: string | null;
  phone_number: string | null;
  greeting: string | null;
  system_prompt: string | null;
  voice: string | null;
  twilio_account_sid: string | null;
  /** In plain text: what the conversion seals. */
  twilio_auth_token: string | null;
  is_active: Generated<boolean>;
  created_at: Generated<Timestamp>;
}

/** A call that was answered. Businesses were deleted now and then; their calls stayed. */
export interface CallTable {
  id: Generated<string>;
  business_id: number | null;
  /** The number that was called, as the carrier gave it. */
  to_number: string | null;
  from_number: string | null;
  started_at: Timestamp;
  duration_seconds: number | null;
  status: string | null;
  summary: string | null;
}

/** One thing said in a call. */
export interface CallTurnTable {
  call_id: ColumnType<string, string | number, never>;
  position: number;
  speaker: string;
  text: string;
}

/** What a caller ordered. */
export interface OrderTable {
  id: Generated<number>;
  call_id: ColumnType<string | null, string | number | null, string | number | null>;
  business_id: number | null;
  items: ColumnType<readonly { readonly name: string; readonly count: number }[], string, string>;
  total: Money | null;
  status: Generated<string>;
  created_at: Generated<Timestamp>;
}

/** The voices that may be chosen, the same for everybody. */
export interface VoiceTable {
  name: string;
  language: string;
}

/** The legacy database, in schema `public`. */
export interface ReceptionistDatabase {
  businesses: BusinessTable;
  calls: CallTable;
  call_turns: CallTurnTable;
  orders: OrderTable;
  voices: VoiceTable;
}

/** The legacy tables, in the order in which they can be filled. */
export const legacyTables = ['voices', 'businesses', 'calls', 'call_turns', 'orders'] as const;
