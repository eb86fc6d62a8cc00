import { BlockList, isIP } from 'node:net';

/** Which addresses are open beyond the public ones. */
export interface AddressRuleOptions {
  /**
   * Blocks or single addresses that requests may go to although they are not public (`10.20.0.0/16`, `fd00::7`), for who
   * hosts by himself. The addresses of cloud metadata services are open only where they are named one by one.
   */
  readonly allow?: readonly string[];
}

/** What is no public address in IPv4 (IANA special-purpose registry, RFC 6890), multicast and reserved blocks with it. */
const closed4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];

/** The one block of IPv6 that is handed out; all that maps, embeds or translates IPv4 outside of it is closed thereby. */
const open6 = ['2000::/3'];

/** What is no public address within it: protocol assignments with Teredo, documentation, 6to4, AS112. */
const closed6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'];

/** Where clouds answer with credentials: AWS, GCP, Azure, Alibaba, Oracle. Azure's is a public address by the registry. */
const metadata = [
  '168.63.129.16',
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '169.254.169.253',
  '100.100.100.200',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd00:ec2::253',
  'fd00:ec2::23',
  'fd20:ce::254',
];

/**
 * Makes what tells whether a request may go to an address: public ones, and those that were allowed. Whatever is no
 * address in its plain form (with a zone, for one) is closed.
 *
 * @throws TypeError for a block that is none.
 */
export function createAddressRules({ allow = [] }: AddressRuleOptions = {}): (address: string) => boolean {
  const listed = {
    closed4: listOf(closed4),
    open6: listOf(open6),
    closed6: listOf(closed6),
    metadata: listOf(metadata),
  };
  const allowed = listOf(allow);
  const allowedOneByOne = listOf(allow.filter((block) => !block.includes('/')));

  return (address) => {
    const family = address.includes('%') ? 0 : isIP(address);
    if (family === 0) return false;
    const type = family === 4 ? 'ipv4' : 'ipv6';
    if (listed.metadata.check(address, type)) return allowedOneByOne.check(address, type);
    if (allowed.check(address, type)) return true;
    if (family === 4) return !listed.closed4.check(address);
    return listed.open6.check(address, type) && !listed.closed6.check(address, type);
  };
}

function listOf(blocks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const block of blocks) {
    const [address = '', bits, more] = block.split('/');
    const family = isIP(address);
    const most = family === 4 ? 32 : 128;
    const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (family === 0 || more !== undefined || !(prefix <= most)) {
      throw new TypeError(`"${block}" is no address and no block of addresses such as 10.20.0.0/16`);
    }
    list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
