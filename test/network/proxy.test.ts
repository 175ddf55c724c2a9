import { describe, expect, it } from 'vitest';
import { ConfigError, describeError } from '../../functions/errors.ts';
import { namesProxy, type ProxyEnvironment, proxyAuthorization, proxyFor } from '../../functions/network/proxy.ts';

const source = 'https://dayu.example.com';
const proxy = 'http://proxy:3128';

describe('the proxy on the way', () => {
  it.each<[string, ProxyEnvironment, string, string | null]>([
    ['none if no variable is set', {}, source, null],
    ['none if the variable is empty', { HTTPS_PROXY: '' }, source, null],
    ['HTTPS_PROXY for https', { HTTPS_PROXY: proxy }, source, 'http://proxy:3128/'],
    [
      'https_proxy before HTTPS_PROXY',
      { HTTPS_PROXY: proxy, https_proxy: 'http://small:1' },
      source,
      'http://small:1/',
    ],
    ['not HTTP_PROXY for https', { HTTP_PROXY: proxy }, source, null],
    ['HTTP_PROXY for http', { HTTP_PROXY: proxy }, 'http://127.0.0.1:9000', 'http://proxy:3128/'],
    ['http_proxy for http', { http_proxy: proxy, HTTPS_PROXY: 'http://s:1' }, 'http://[::1]:1', 'http://proxy:3128/'],
    ['not HTTPS_PROXY for http', { HTTPS_PROXY: proxy }, 'http://127.0.0.1', null],
    ['one without a scheme', { HTTPS_PROXY: 'proxy:3128' }, source, 'http://proxy:3128/'],
    ['one that speaks TLS', { HTTPS_PROXY: 'https://proxy' }, source, 'https://proxy/'],
  ])('is %s', (_what, environment, url, expected) => {
    expect(proxyFor(url, environment)?.href ?? null).toBe(expected);
    expect(namesProxy(environment)).toBe(Object.values(environment).some((value) => value !== ''));
  });

  const exempt = [
    ['https://dayu.example.com', '*'],
    ['https://dayu.example.com', 'dayu.example.com'],
    ['https://DAYU.example.com', 'other, Dayu.Example.COM'],
    ['https://dayu.example.com', 'example.com'],
    ['https://dayu.example.com', '.example.com'],
    ['https://dayu.example.com', '*.example.com'],
    ['https://dayu.example.com', 'a b,example.com:443'],
    ['https://dayu.example.com.', 'example.com'],
    ['https://dayu.example.com:8443', 'example.com:8443'],
    ['http://127.0.0.1:9000', '127.0.0.1'],
    ['http://127.0.0.1:9000', '127.0.0.0/8'],
    ['http://localhost:9000', 'localhost'],
    ['http://[::1]:9000', '[::1]'],
    ['http://[::1]:9000', '::1'],
    ['http://[::1]:9000', '[::1]:9000'],
    ['https://[fd00::5]', 'fd00::/8'],
  ] as const;
  const notExempt = [
    ['https://dayu.example.com', ''],
    ['https://dayu.example.com', 'ample.com'],
    ['https://badexample.com', '.example.com'],
    ['https://example.com', 'dayu.example.com'],
    ['https://dayu.example.com', 'example.com:8443'],
    ['http://127.0.0.1:9000', '10.0.0.0/8'],
    ['http://127.0.0.1:9000', '127.0.0.1/999'],
    ['http://127.0.0.1:9000', 'localhost'],
    ['https://dayu.example.com', '10.0.0.0/8'],
  ] as const;

  it.each(exempt)('bypasses %s if NO_PROXY is "%s", in upper or lower case', (url, list) => {
    const proxies = { HTTPS_PROXY: proxy, HTTP_PROXY: proxy };
    expect(proxyFor(url, { ...proxies, NO_PROXY: list })).toBeNull();
    expect(proxyFor(url, { ...proxies, no_proxy: list, NO_PROXY: 'elsewhere' })).toBeNull();
  });

  it.each(notExempt)('is used for %s if NO_PROXY is "%s"', (url, list) => {
    expect(proxyFor(url, { HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NO_PROXY: list })).not.toBeNull();
  });

  it.each(['socks5://u:planted@proxy:1080', 'http://u:planted@', 'http://pro xy:planted'])(
    'cannot be %s, and the error does not repeat the value',
    (text) => {
      try {
        proxyFor(source, { HTTPS_PROXY: text });
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        expect(describeError(error as ConfigError)).toMatch(
          /^HTTPS_PROXY is not the URL of a proxy.*add dayu\.example\.com to NO_PROXY/,
        );
        expect(describeError(error as ConfigError)).not.toContain('planted');
      }
    },
  );

  it.each([
    ['http://proxy:1', {}],
    ['http://user@proxy:1', { 'proxy-authorization': `Basic ${btoa('user:')}` }],
    ['http://user:50%off@proxy:1', { 'proxy-authorization': `Basic ${btoa('user:50%off')}` }],
    ['http://us%40er:p%3Aw@proxy:1', { 'proxy-authorization': `Basic ${btoa('us@er:p:w')}` }],
  ])('%s receives user and password', (url, headers) => {
    expect(proxyAuthorization(new URL(url))).toEqual(headers);
  });
});
