/** Users with passwords, access keys and ready-made tokens. All credentials of a user share one quota. */

/** A password of an IAM user, in the shape of the product's secret. */
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

/** A user and its credentials. */
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

/** The result of checking a request's credentials. */
export type Verdict =
  | { readonly ok: true; readonly user: string; readonly projectId: string | null }
  | { readonly ok: false; readonly reason: string };

/** Returns the verdict of a refused request, with the gateway's message. */
export function refuse(reason: string): Verdict {
  return { ok: false, reason };
}
