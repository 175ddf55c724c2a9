import { describe, expect, it } from 'vitest';
import { describeFault, faultKindOf, faultRemedy, isPassingFault } from '../../functions/network/faults.ts';

const direct = { host: 'dayu.example.com', proxy: null };
const proxied = { host: 'dayu.example.com', proxy: new URL('http://user:planted@proxy:3128') };

describe('a fault of the network', () => {
  it.each<[string, RegExp, RegExp, boolean]>([
    ['ENOTFOUND', /^cannot connect to dayu\.example\.com$/, /Check KEY, .*DNS.*HTTPS_PROXY/, true],
    ['UND_ERR_CONNECT_TIMEOUT', /^cannot connect/, /this machine can reach dayu\.example\.com/, true],
    ['ECONNREFUSED', /^cannot connect/, /Check KEY/, true],
    [
      'SELF_SIGNED_CERT_IN_CHAIN',
      /^cannot open a secure connection to dayu/,
      /that signed the certificate of dayu\.example.*NODE_EXTRA_CA/,
      false,
    ],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /^cannot open a secure connection/, /NODE_EXTRA_CA_CERTS/, false],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /^cannot open a secure connection/, /NODE_EXTRA_CA_CERTS/, false],
    [
      'CERT_HAS_EXPIRED',
      /^cannot open a secure connection/,
      /clock of this machine.*new certificate.*NODE_EXTRA_CA_CERTS/,
      false,
    ],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /^cannot open a secure connection/, /for another host: check KEY/, false],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /^cannot open a secure connection/, /Check KEY.*NODE_EXTRA_CA_CERTS/, false],
    ['UND_ERR_HEADERS_TIMEOUT', /^the reply from dayu\.example\.com did not arrive in time$/, /run again later/, true],
    ['ECONNRESET', /^the connection to dayu\.example\.com broke/, /run again later/, true],
    ['ANYTHING_ELSE', /^the connection to dayu\.example\.com broke/, /run again later/, true],
    ['UND_ERR_RES_EXCEEDED_MAX_SIZE', /is larger than any page/, /Check that KEY/, false],
  ])(
    'a fault of the network with the code %s is reported with the host and a remedy',
    (code, text, remedy, isPassing) => {
      const fault = { kind: faultKindOf(code), code, route: direct };
      expect(describeFault(fault)).toMatch(text);
      expect(faultRemedy(fault, 'KEY')).toMatch(remedy);
      expect(isPassingFault(fault)).toBe(isPassing);
    },
  );

  it.each<[string, RegExp, RegExp, boolean]>([
    [
      'ECONNREFUSED',
      /^the proxy http:\/\/proxy:3128, on the way to dayu\.\S+, cannot be reached$/,
      /HTTPS_PROXY/,
      true,
    ],
    ['HTTP 407', /^the proxy http:\/\/proxy:3128 refused to connect to dayu/, /http:\/\/<user>:<password>@/, false],
    ['HTTP 403', /refused to connect/, /allow dayu\.example\.com, or add the host to NO_PROXY/, false],
    ['HTTP 502', /refused to connect/, /The proxy does not reach it: check KEY/, true],
  ])(
    'of a proxy with the code %s is reported with the proxy, without its password',
    (code, text, remedy, isPassing) => {
      const fault = { kind: 'proxy', code, route: proxied } as const;
      expect(describeFault(fault)).toMatch(text);
      expect(faultRemedy(fault, 'KEY')).toMatch(remedy);
      expect(isPassingFault(fault)).toBe(isPassing);
    },
  );

  it('behind a proxy is reported with the host and the proxy', () => {
    const fault = { kind: 'tls', code: 'CERT_HAS_EXPIRED', route: proxied } as const;
    expect(describeFault(fault)).toBe(
      'cannot open a secure connection to dayu.example.com through the proxy http://proxy:3128',
    );
  });
});
