/**
 * Who may ask: users with a password, access keys, ready-made tokens. What belongs to one user shares one quota.
 */

/** A password of an IAM user; the product's secret of the same shape. */
export interface PasswordCredential {
  readonly domainName: string;
  readonly userName: string;
  readonly password: string;
}

/** An access key; a temporary one has a security token. */
export interface AccessKeyCredential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly securityToken?: string;
}

/** One user and everything that identifies it. */
export interface Account {
  readonly user: string;
  readonly password?: PasswordCredential;
  readonly accessKeys?: readonly AccessKeyCredential[];
  /** Tokens that never expire by themselves. */
  readonly tokens?: readonly string[];
}

/** The account that a simulator has by default. */
export const defaultAccount = {
  user: 'dq-reader',
  password: { domainName: 'simulated-domain', userName: 'dq-reader', password: 'pass word+1%' },
  accessKeys: [{ accessKeyId: 'SIMULATEDACCESSKEY01', secretAccessKey: 'simulatedSecretAccessKeySimulatedSecret1' }],
  tokens: ['simulated-static-token'],
} as const satisfies Account;

/** What a gateway concludes about a request's identity. */
export type Verdict =
  | { readonly ok: true; readonly user: string; readonly projectId: string | null }
  | { readonly ok: false; readonly reason: string };

/** Why a request was not let in, as the gateway says it. */
export function refuse(reason: string): Verdict {
  return { ok: false, reason };
}
