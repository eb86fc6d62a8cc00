import { describe, expect, it } from 'vitest';
import { currentName, currentNames, messageFor, namesOf } from '../../examples/migrations/sonicus/events.ts';
import { toCsv } from '../../examples/migrations/sonicus/notice.ts';
import { accountRole, claimsOf, subjectOf } from '../../examples/migrations/sonicus/tokens.ts';

describe('tokens of both shapes', () => {
  it.each([
    [
      { sub: '42', org_id: '0c6e', role: 'org_admin' },
      { userId: '42', role: 'user' },
    ],
    [
      { user_id: 42, org_id: '0c6e', role: ' Admin ' },
      { userId: '42', role: 'admin' },
    ],
    [
      { sub: '42', role: 'super_admin' },
      { userId: '42', role: 'super_admin' },
    ],
    [{ sub: '42' }, { userId: '42', role: 'user' }],
  ])('%o speak for one account', (claims, subject) => {
    expect(subjectOf(claims)).toEqual(subject);
  });

  it.each([{}, { sub: '' }, { sub: '0' }, { sub: "1'--" }, { sub: null }, { sub: -1 }, { sub: 1.5 }, { sub: ['1'] }])(
    '%o speak for nobody',
    (claims) => {
      expect(subjectOf(claims)).toBeNull();
    },
  );

  it('a new token names no organization', () => {
    expect(Object.keys(claimsOf({ userId: '42', role: accountRole('org_admin') }))).toEqual(['sub', 'role']);
  });
});

describe('events of both names', () => {
  const event = { name: 'user.updated', userId: '7', data: { email: 'a@b.example' } } as const;

  it('reach an endpoint once, under the name that it subscribed to', () => {
    expect(messageFor({ events: ['organization.updated'] }, event)?.name).toBe('organization.updated');
    expect(messageFor({ events: ['ORGANIZATION.User_Updated '] }, event)?.name).toBe('organization.user_updated');
    expect(messageFor({ events: ['organization.updated', 'user.updated'] }, event)?.name).toBe('user.updated');
    expect(messageFor({ events: ['user.registered', 'organisation.updated'] }, event)).toBeNull();
  });

  it('carry a user and no organization', () => {
    expect(messageFor({ events: ['organization.updated'] }, event)?.payload).toEqual({
      event: 'organization.updated',
      user_id: '7',
      email: 'a@b.example',
    });
  });

  it('lose their old names in the end, each endpoint keeping every subscription once', () => {
    expect(namesOf('user.updated')).toEqual(['user.updated', 'organization.user_updated', 'organization.updated']);
    expect(currentNames(['organization.updated', 'organization.user_updated', 'session.completed'])).toEqual([
      'user.updated',
      'session.completed',
    ]);
    expect(currentName('organization.dissolved')).toBe('organization.dissolved');
  });
});

it('a list for a spreadsheet holds no formula, and keeps quotes, commas and line ends', () => {
  expect(toCsv([{ name: '=cmd|1', note: 'a "b", c\nd', users: -1, none: null }])).toBe(
    'name,note,users,none\r\n\'=cmd|1,"a ""b"", c\nd",-1,\r\n',
  );
  expect(toCsv([])).toBe('');
});
