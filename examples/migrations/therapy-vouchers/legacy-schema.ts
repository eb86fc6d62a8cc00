import type { ColumnType, Generated } from 'kysely';

type Timestamp = ColumnType<Date, Date | string, Date | string>;
/** An amount of money; drivers read it as text, so that no cent is lost. */
type Money = ColumnType<string, string | number, string | number>;

/** Everybody who can sign in: who runs the practice, who treats, who is treated. */
export interface UserTable {
  id: Generated<number>;
  email: string;
  password_hash: string;
  first_name: string | null;
  last_name: string | null;
  /** `admin`, `therapist` or `client`, in any spelling. */
  role: string | null;
  is_active: Generated<boolean>;
  /** Clients sign up themselves and wait until somebody lets them in. */
  is_approved: Generated<boolean>;
  created_at: Generated<Timestamp>;
}

/** A paid number of sessions for one client. */
export interface VoucherTable {
  id: Generated<number>;
  /** What is printed on it. */
  code: string;
  /** The client; some who left were deleted, and no foreign key held their vouchers. */
  client_id: number | null;
  therapist_id: number | null;
  total_sessions: number;
  used_sessions: Generated<number>;
  price: Money | null;
  paid: Generated<boolean>;
  paid_at: Timestamp | null;
  valid_until: Timestamp | null;
  is_active: Generated<boolean>;
  created_at: Generated<Timestamp>;
}

/** A session that was booked on a voucher. */
export interface TherapySessionTable {
  id: Generated<number>;
  voucher_id: number;
  therapist_id: number | null;
  starts_at: Timestamp;
  duration_minutes: Generated<number>;
  /** `booked`, `held`, `missed` or `cancelled`. */
  status: Generated<string>;
  notes: string | null;
}

/** Public holidays, the same for everybody. */
export interface HolidayTable {
  day: ColumnType<Date, string, string>;
  name: string;
}

/** The legacy database, in schema `public`. */
export interface TherapyDatabase {
  users: UserTable;
  vouchers: VoucherTable;
  therapy_sessions: TherapySessionTable;
  holidays: HolidayTable;
}

/** The legacy tables, in the order in which they can be filled. */
export const legacyTables = ['holidays', 'users', 'vouchers', 'therapy_sessions'] as const;
