const givenNames = ['Ada', 'Bela', 'Chiara', 'Dmitri', 'Élodie', 'Farid', 'Grace', 'Hanako', 'Łukasz', 'Zoë', '太郎'];
const familyNames = ['Smith', "O'Brien", 'Żółć', 'Müller', 'García Márquez', '山田', 'van der Berg', 'Patel', 'Nagy'];
const sessionNotes = ['', 'Talked about sleep.', "Doesn't want a reminder", 'Übung 3 wiederholen', 'first visit'];

/** A list of texts as SQL. */
const list = (texts: readonly string[]): string =>
  `array[${texts.map((text) => `'${text.replaceAll("'", "''")}'`).join(', ')}]`;

const begin = "timestamptz '2024-01-01 00:00:00+00'";
/** A time within so many days from the beginning. */
const within = (purpose: string, days: number): string =>
  `${begin} + floor(pg_temp.roll('${purpose}', n) * ${days * 86_400}) * interval '1 second'`;

/** The statements that fill the legacy tables; they need the dice. */
export function generatorStatements(users: number): string[] {
  const therapists = Math.max(2, Math.floor(users / 20));
  const vouchers = users * 2;
  const sessions = users * 3;
  const series = (rows: number): string => `generate_series(1::bigint, ${rows}) as n`;
  const dirt = (purpose: string, kinds: number): string => `pg_temp.kind_of_dirt('${purpose}', n, ${kinds})`;
  const below = (purpose: string, size: number): string => `pg_temp.below('${purpose}', n, ${size})`;
  const pick = (purpose: string, texts: readonly string[]): string => `pg_temp.pick('${purpose}', n, ${list(texts)})`;
  return [
    `insert into holidays (day, name) values ('2024-01-01', 'New Year'), ('2024-12-25', 'Christmas'), ('2024-12-26', 'Boxing Day')`,

    // The first is the admin, then come the therapists, then the clients.
    `insert into users (id, email, password_hash, first_name, last_name, role, is_active, is_approved, created_at)
    select n, case d when 0 then upper('user' || (n - 1) || '@practice.example') when 1 then ' user' || n || '@practice.example ' else 'user' || n || '@practice.example' end,
      '$2b$12$' || md5('password ' || n),
      case d when 2 then E'An\\x01na' when 3 then '' when 4 then null else ${pick('given', givenNames)} end,
      case d when 3 then '   ' when 4 then null else ${pick('family', familyNames)} end,
      case when n = 1 then 'admin' when n <= ${therapists} then case d when 5 then 'Therapist' when 6 then ' THERAPIST' else 'therapist' end
        else case d when 5 then 'Client ' when 6 then null when 7 then 'receptionist' else 'client' end end,
      pg_temp.roll('left', n) > 0.05, n <= ${therapists} or pg_temp.roll('approved', n) > 0.1, ${within('joined', 300)}
    from (select n, case when n = 1 then null else ${dirt('user', 8)} end as d from ${series(users)}) as row`,

    `insert into vouchers (id, code, client_id, therapist_id, total_sessions, used_sessions, price, paid, paid_at, valid_until, is_active, created_at)
    select n, 'V-' || lpad(n::text, 8, '0'),
      case d when 0 then ${users} + 1 + ${below('gone', 100)} when 1 then null else ${therapists} + 1 + ${below('client', users - therapists)} end,
      case when d = 2 then null else 2 + ${below('therapist', therapists - 1)} end,
      total, case when d = 3 then total + 2 else least(total, ${below('used', 11)}) end,
      case when d = 4 then null else (array[399.99, 199.99, 799.99])[1 + ${below('kind', 3)}] end, paid,
      case when paid and d is distinct from 5 then sold + interval '1 hour' end,
      case when d = 1 then null else sold + interval '1 year' end, pg_temp.roll('active', n) > 0.2, sold
    from (select n, ${dirt('voucher', 6)} as d, (array[10, 8, 20])[1 + ${below('kind', 3)}] as total,
      pg_temp.roll('paid', n) < 0.85 as paid, ${within('sold', 500)} as sold from ${series(vouchers)}) as row`,

    `insert into therapy_sessions (id, voucher_id, therapist_id, starts_at, duration_minutes, status, notes)
    select n, 1 + ${below('voucher', vouchers)}, case when d = 0 then null else 2 + ${below('treats', therapists - 1)} end,
      date_trunc('hour', ${within('session', 600)}), (array[60, 90, 45])[1 + ${below('length', 3)}],
      case d when 1 then 'Held' when 2 then 'no-show' else ${pick('state', ['booked', 'held', 'held', 'missed', 'cancelled'])} end,
      case when d = 3 then E'tab\\tand \\x02' else ${pick('note', sessionNotes)} end
    from (select n, ${dirt('session', 4)} as d from ${series(sessions)}) as row`,
  ];
}
