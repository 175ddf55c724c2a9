/** Makes X.509 certificates at run time, so that the repository contains no key and no certificate expires. */
import { generateKeyPairSync, sign } from 'node:crypto';

/** A key and its certificate, PEM. */
export interface SelfSigned {
  readonly key: string;
  readonly cert: string;
}

/** Contents of a certificate. */
export interface CertificateOptions {
  /** Default: 127.0.0.1. */
  readonly ip?: readonly [number, number, number, number];
  /** DNS names besides the address; `*.` stands for one label. Default: none. */
  readonly hosts?: readonly string[];
  /** The certificate is valid for an hour before and after this instant. Default: now. */
  readonly aroundMs?: number;
}

const ecdsaWithSha256 = der(0x30, Buffer.from('06082a8648ce3d040302', 'hex'));
const hourMs = 3_600_000;

/** Makes a self-signed certificate for an IP address. */
export function selfSigned(options: CertificateOptions = {}): SelfSigned {
  const { ip = [127, 0, 0, 1], hosts = [], aroundMs = Date.now() } = options;
  const names = [der(0x87, Buffer.from(ip)), ...hosts.map((host) => der(0x82, Buffer.from(host)))];
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const commonName = der(0x30, Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from('fault proxy')));
  const name = der(0x30, der(0x31, commonName));
  const extension = (oid: string, value: Buffer): Buffer => der(0x30, Buffer.from(oid, 'hex'), der(0x04, value));
  const body = der(
    0x30,
    Buffer.from('a003020102', 'hex'),
    der(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    name,
    der(0x30, utcTime(aroundMs - hourMs), utcTime(aroundMs + hourMs)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      der(
        0x30,
        extension('0603551d13', Buffer.from('30030101ff', 'hex')),
        extension('0603551d11', der(0x30, ...names)),
      ),
    ),
  );
  const signature = sign('sha256', body, privateKey);
  const certificate = der(0x30, body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
  const lines = certificate.toString('base64').replace(/.{64}/g, '$&\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  };
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function utcTime(ms: number): Buffer {
  return der(0x17, Buffer.from(`${new Date(ms).toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`));
}
