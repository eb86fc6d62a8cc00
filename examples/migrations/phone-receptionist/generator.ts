const types = ['restaurant', 'salon', 'clinic', 'garage', 'hotel', 'law firm'];
const stems = ['Luna', 'Golden', 'Blue Door', "Mario's", 'Żabka', 'Old Town', 'Nord & Süd', '銀座'];
const lines = [
  'Hello?',
  'I would like a table for four.',
  'At eight, please.',
  "That's all, thank you.",
  'Ein Termin morgen?',
  '',
];

/** A list of texts as SQL. */
const list = (texts: readonly string[]): string =>
  `array[${texts.map((text) => `'${text.replaceAll("'", "''")}'`).join(', ')}]`;

const begin = "timestamptz '2024-01-01 00:00:00+00'";
/** A time within so many days from the beginning. */
const within = (purpose: string, days: number): string =>
  `${begin} + floor(pg_temp.roll('${purpose}', n) * ${days * 86_400}) * interval '1 second'`;

/** The statements that fill the legacy tables; they need the dice. */
export function generatorStatements(businesses: number): string[] {
  const calls = businesses * 10;
  const orders = businesses * 4;
  const series = (rows: number): string => `generate_series(1::bigint, ${rows}) as n`;
  const dirt = (purpose: string, kinds: number): string => `pg_temp.kind_of_dirt('${purpose}', n, ${kinds})`;
  const below = (purpose: string, size: number): string => `pg_temp.below('${purpose}', n, ${size})`;
  const pick = (purpose: string, texts: readonly string[]): string => `pg_temp.pick('${purpose}', n, ${list(texts)})`;
  return [
    `insert into voices (name, language) values ('alloy', 'en'), ('nova', 'en'), ('klara', 'de'), ('zofia', 'pl')`,

    // Every third owner has a second business, written in another case.
    `insert into businesses (id, name, business_type, owner_email, owner_name, phone_number, greeting, system_prompt, voice,
      twilio_account_sid, twilio_auth_token, is_active, created_at)
    select n, case d when 0 then null when 1 then '  ' when 2 then E'Lu\\x07na\\t' || n else ${pick('stem', stems)} || ' ' || n end,
      case d when 3 then upper(${pick('type', types)}) else ${pick('type', types)} end,
      case when d = 4 then null when d = 5 then '' when n % 3 = 0 then ' Owner' || (n - 1) || '@Mail.example' else 'owner' || n || '@mail.example' end,
      case when d = 1 then null else 'Owner ' || n end,
      case when d = 6 then null else '+1555' || lpad(n::text, 7, '0') end,
      'Hello, this is ' || ${pick('stem', stems)}, 'You answer the phone of a ' || ${pick('type', types)},
      case when d = 7 then null else ${pick('voice', ['alloy', 'nova', 'klara', 'zofia'])} end,
      'AC' || md5('sid ' || n), case when d = 6 then null else md5('token ' || n) end,
      pg_temp.roll('active', n) > 0.1, ${within('made', 200)}
    from (select n, ${dirt('business', 8)} as d from ${series(businesses)}) as row`,

    // A call whose business is gone can still be told by the number that was called; some cannot at all.
    `insert into calls (id, business_id, to_number, from_number, started_at, duration_seconds, status, summary)
    select n, case d when 0 then null when 1 then ${businesses} + 1 + ${below('gone', 50)} else b end,
      case d when 1 then '+1999' || lpad(n::text, 7, '0') when 2 then null else '+1555' || lpad(b::text, 7, '0') end,
      case when d = 3 then 'anonymous' else '+1777' || lpad(${below('caller', 5000)}::text, 7, '0') end, at,
      case when d = 4 then -1 else ${below('length', 600)} end,
      case when d = 5 then 'Completed' else ${pick('state', ['completed', 'completed', 'missed', 'failed'])} end,
      case when d = 3 then E'\\x02' else ${pick('line', lines)} end
    from (select n, ${dirt('call', 6)} as d, 1 + ${below('called', businesses)} as b, ${within('call', 300)} as at from ${series(calls)}) as row`,

    `insert into call_turns (call_id, position, speaker, text)
    select n, p, case when p % 2 = 1 then 'caller' else 'assistant' end, ${pick('said', lines)} || ' ' || p
    from ${series(calls)} cross join lateral generate_series(1, 1 + pg_temp.below('turns', n, 3)) as p`,

    `insert into orders (id, call_id, business_id, items, total, status, created_at)
    select n, case when d = 0 then null else c.id end, case when d in (1, 2) then null else c.business_id end,
      jsonb_build_array(jsonb_build_object('name', ${pick('dish', ['Pizza', 'Soup', 'Haircut', 'Tea'])}, 'count', 1 + ${below('count', 4)})),
      case when d = 3 then null else 5 + ${below('total', 90)} end, ${pick('order', ['new', 'confirmed', 'delivered'])}, c.started_at
    from (select n, ${dirt('order', 4)} as d, 1 + ${below('order of', calls)} as of from ${series(orders)}) as row join calls as c on c.id = row.of`,
  ];
}
