/** Sends a simulator single requests, without retries. Ids are kept as text. */
import type { Simulator } from './server.ts';

/** A complete reply. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** `count` of the body. */
  readonly count: number | undefined;
  /** Ids in the order of the rows. */
  readonly ids: readonly string[];
  /** `start_time`s in the order of the rows. */
  readonly starts: readonly number[];
  /** `error_code` of the body. */
  readonly code: string | undefined;
}

/** Query parameters. */
export interface Question {
  readonly [parameter: string]: string | number;
}

/** Requests a page of instances, by default of the first workspace and with the ready-made token. */
export async function ask(
  simulator: Simulator,
  question: Question = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const projectId = simulator.workspaces[0]?.projectId ?? '';
  const parameters = Object.entries(question).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const reply = await fetch(`${simulator.url}/v2/${projectId}/quality/instances?${parameters.join('&')}`, {
    headers: {
      workspace: simulator.workspaces[0]?.workspace ?? '',
      'x-auth-token': 'simulated-static-token',
      ...headers,
    },
  });
  return readAnswer(reply);
}

/** Requests a token from IAM. */
export async function askToken(
  simulator: Simulator,
  password: { readonly domainName: string; readonly userName: string; readonly password: string },
  projectId = simulator.workspaces[0]?.projectId ?? '',
): Promise<Answer> {
  const user = { name: password.userName, password: password.password, domain: { name: password.domainName } };
  const auth = { identity: { methods: ['password'], password: { user } }, scope: { project: { id: projectId } } };
  const reply = await fetch(`${simulator.iamUrl}/v3/auth/tokens`, { method: 'POST', body: JSON.stringify({ auth }) });
  return readAnswer(reply);
}

async function readAnswer(reply: Response): Promise<Answer> {
  const text = await reply.text();
  const count = /^\{"count":(\d+)/.exec(text)?.[1];
  return {
    status: reply.status,
    headers: reply.headers,
    text,
    count: count === undefined ? undefined : Number(count),
    ids: [...text.matchAll(/\{"id":(\d+)/g)].map((match) => match[1] ?? ''),
    starts: [...text.matchAll(/"start_time":(\d+)/g)].map((match) => Number(match[1])),
    code: /"error_code":"([^"]+)"/.exec(text)?.[1],
  };
}
