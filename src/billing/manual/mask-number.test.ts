import { expect, it } from 'vitest';
import { maskNumber } from './mask-number.ts';

it('takes the numbers of cards out of what a gateway answered, and leaves the rest', () => {
  const answer = {
    pan: '4242424242424242',
    spaced: 'card 4000 0566 5566 5556 approved',
    list: [{ number: 378282246310005 }, 'auth 123456'],
    reference: '1234567890123',
    ok: true,
    none: null,
  };
  expect(JSON.parse(JSON.stringify(answer), (_, part) => maskNumber(part))).toEqual({
    pan: '••••4242',
    spaced: 'card ••••5556 approved',
    list: [{ number: '••••0005' }, 'auth 123456'],
    reference: '1234567890123',
    ok: true,
    none: null,
  });
});
