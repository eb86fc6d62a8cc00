import fc from 'fast-check';

/** Requests with one or more things wrong, as bytes in Latin-1. */
export function malformed(secret: string): fc.Arbitrary<string> {
  const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
  const bytes = fc.array(byte, { maxLength: 60 }).map((all) => all.join(''));
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'get', 'OPTIONS', 'HEAD', 'TRACE', 'CONNECT', '\u0000', 'FOO');
  const path = fc.oneof(
    fc.constantFrom(
      '/notes',
      '/whoami',
      '/rename',
      '/things/%',
      '/things/%ff',
      '/hooks',
      '/billing',
      '*',
      '//',
      '?',
      '',
    ),
    bytes.map((text) => `/things/${text}`),
    fc.constantFrom(
      '/__proto__',
      '/constructor',
      '/notes?a[b]=c&a[__proto__]=d',
      '/notes;a',
      'http://x/notes',
      '/a'.repeat(3000),
    ),
  );
  const version = fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/9.9', 'HTTP', '');
  const header = fc.oneof(
    fc.constantFrom(
      `Authorization: Bearer ${secret}`,
      `X-API-Key: ${secret}`,
      'Authorization: Bearer',
      'Authorization: Bearer \u00ff\u00fe',
      `Authorization: ${'Bearer '.repeat(200)}`,
      'Content-Type: application/json',
      'Content-Type: application/json; charset=utf-99',
      'Content-Type: multipart/form-data',
      'Content-Type: ;;;',
      'Content-Encoding: gzip',
      'Content-Encoding: x',
      'Content-Length: 5',
      'Content-Length: -1',
      'Content-Length: 99999999999999999999',
      'Transfer-Encoding: chunked',
      'Transfer-Encoding: nonsense',
      'Expect: 100-continue',
      'Expect: nonsense',
      'Host:',
      'Host: a, b',
      'Cookie: user=ada',
      'Cookie: user=%00',
      'X-Tenant: \u00e9',
      `X-Tenant: ${'a'.repeat(5000)}`,
      'X-Request-Id: a\u0001b',
      'Connection: close, upgrade',
      'Upgrade: websocket',
      'No colon',
      ' folded: x',
      ': no name',
    ),
    bytes,
    fc.tuple(fc.stringMatching(/^[A-Za-z-]{1,20}$/), bytes).map(([name, value]) => `${name}: ${value}`),
  );
  const body = fc.oneof(
    fc.constantFrom(
      '',
      '{',
      '{"text":1}',
      '{"text":"a"}',
      '[]',
      'null',
      '"',
      '5\r\nhello\r\n0\r\n\r\n',
      'ffffffffffff\r\n',
    ),
    bytes,
    fc.json(),
  );
  const end = fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r');
  const whole = fc
    .record({ method, path, version, headers: fc.array(header, { maxLength: 8 }), body, end })
    .map(({ method, path, version, headers, body, end }) =>
      [`${method} ${path} ${version}`, 'Host: x', ...headers, '', body].join(end),
    );
  return fc.oneof({ weight: 9, arbitrary: whole }, { weight: 1, arbitrary: bytes });
}
