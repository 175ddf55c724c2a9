/**
 * The few calls of AWS services that `dqsync smoke` makes. They are signed here, because a client of the SDK for each
 * service would weigh more than all of them.
 */
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { SignatureV4 } from '@smithy/signature-v4';
import { systemClock } from '../../clock.ts';
import { SourceError } from '../../errors.ts';
import { connectionsOf } from '../../network/aws.ts';
import { faultRemedy } from '../../network/faults.ts';
import { tunnelFor } from '../../network/proxy.ts';
import { Endpoint, type HttpReply, TransportFault } from '../../source/http.ts';

interface Call {
  /** The service's name in the host and in the signature. */
  readonly service: string;
  readonly path?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Longer than a Lambda function can run. */
const longestCallMs = 960_000;

/** Calls AWS with the credentials and the region that every AWS tool uses. */
export class AwsCalls {
  /** Used only for credentials and region. */
  readonly #client = new CloudFormationClient(connectionsOf(process.env));

  /** Calls a service that speaks JSON. @param target for example `AmazonAthena.GetQueryExecution` */
  async json(service: string, target: string, body: Readonly<Record<string, unknown>>): Promise<unknown> {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target };
    return JSON.parse((await this.#send({ service, headers, body: JSON.stringify(body) })).text ?? '');
  }

  /** Calls CloudWatch. Returns the XML of its reply. */
  async cloudWatch(action: string, parameters: Readonly<Record<string, string>>): Promise<string> {
    const body = new URLSearchParams({ Action: action, Version: '2010-08-01', ...parameters }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
    return (await this.#send({ service: 'monitoring', headers, body })).text ?? '';
  }

  /** Invokes a function and waits for its end. The header `x-amz-function-error` means that it threw. */
  async invoke(functionName: string, payload: unknown): Promise<HttpReply> {
    const path = `/2015-03-31/functions/${functionName}/invocations`;
    const headers = { 'content-type': 'application/json' };
    return await this.#send({ service: 'lambda', path, headers, body: JSON.stringify(payload) });
  }

  close(): void {
    this.#client.destroy();
  }

  /** @throws SourceError with the code and the message of AWS, or the network fault */
  async #send({ service, path = '/', headers, body }: Call): Promise<HttpReply> {
    const { credentials, sha256 } = this.#client.config;
    const region = await this.#client.config.region();
    const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
    const url = process.env['AWS_ENDPOINT_URL'] ?? `https://${service}.${region}.${suffix}`;
    const limits = { connections: 1, headersTimeoutMs: longestCallMs, requestTimeoutMs: longestCallMs };
    const endpoint = new Endpoint(url, systemClock, limits, tunnelFor(url, process.env));
    const { host } = endpoint.route;
    const request = { method: 'POST', path, headers: { ...headers, host }, body } as const;
    try {
      const signer = new SignatureV4({ service, region, credentials, sha256 });
      const signed = await signer.sign({ ...request, protocol: 'https:', hostname: host });
      const reply = await endpoint.send({ ...request, headers: signed.headers });
      if (reply.status >= 300) {
        throw refusal(service, reply);
      }
      return reply;
    } catch (thrown) {
      throw thrown instanceof TransportFault ? unreachable(service, thrown) : thrown;
    } finally {
      await endpoint.close();
    }
  }
}

function unreachable(service: string, fault: TransportFault): SourceError {
  const remedy = faultRemedy(fault, 'AWS_REGION and AWS_ENDPOINT_URL');
  return new SourceError(`${service} did not reply: ${fault.message}`, { remedy, code: fault.code });
}

/** Returns the error for a refusal, with the code and the message that AWS sent as JSON or XML. */
function refusal(service: string, { status, text, header }: HttpReply): SourceError {
  const found = (pattern: RegExp): string | undefined => pattern.exec(text ?? '')?.[1]?.slice(0, 300);
  const named = found(/"__type"\s*:\s*"([^"]+)"/) ?? header('x-amzn-errortype') ?? found(/<Code>([^<]+)</);
  const code = named?.replace(/^.*#|:.*$/g, '') ?? `HTTP ${status}`;
  const message = found(/"[Mm]essage"\s*:\s*"([^"]+)"/) ?? found(/<Message>([^<]+)</) ?? '';
  return new SourceError(`${service} refused the call: ${code}${message === '' ? '' : `: ${message}`}`, {
    remedy: /^TooManyRequests/.test(code)
      ? 'A scheduled run is in progress, and only one may run at a time: run the same command again when it has ended.'
      : 'Check AWS_REGION, AWS_PROFILE and the permissions of your AWS credentials, then run the same command again.',
    code,
    httpStatus: status,
  });
}
