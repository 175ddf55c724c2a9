import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { defaultAccount } from './accounts.ts';

const path = fileURLToPath(new URL('main.ts', import.meta.url));

describe('npm run simulator', () => {
  it.each([
    [['--port', 'abc'], /^--port "abc" is not a whole number\.\n\nusage: /],
    [['--days', '1.5'], /^--days "1\.5" is not a whole number\.\n\nusage: /],
    [['--prot', '1'], /^Unknown option '--prot'\n\nusage: /],
    [['--port', 'used'], /^cannot listen on port \d+: .*EADDRINUSE.* Give another one with --port\.\n\nusage: /],
  ])('refuses %j with its usage instead of a stack trace', async (args, message) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const address = other.address();
    const usedPort = typeof address === 'object' ? String(address?.port) : '';
    const given = args.map((arg) => (arg === 'used' ? usedPort : arg));
    const child = spawn(process.execPath, [path, '--days', '1', '--tasks', '8', ...given]);
    expect(await text(child.stderr)).toMatch(message);
    expect(child.exitCode ?? (await once(child, 'exit'))[0]).toBe(2);
  });

  it('prints a config and credentials that work, and ends on Ctrl-C', async () => {
    const child = spawn(process.execPath, [path, '--port', '0', '--days', '1', '--tasks', '8']);
    let output = '';
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      output += chunk;
      if (output.includes('Ctrl-C ends it.')) {
        break;
      }
    }
    const config = JSON.parse(/\n(\{\n[\s\S]*?\n\})\n/.exec(output)?.[1] ?? '');
    const [target] = config.targets;
    const reply = await fetch(`${config.source.endpoint}/v2/${target.projectId}/quality/instances`, {
      headers: { workspace: target.workspace, 'x-auth-token': defaultAccount.tokens[0] },
    });
    const page = JSON.parse(await reply.text());
    child.kill('SIGINT');
    const [exitCode] = await once(child, 'exit');
    expect(output).toContain(JSON.stringify(defaultAccount.accessKeys[0]));
    expect(page.resources).toHaveLength(10);
    expect(output).toMatch(/_advance\?ms=3600000'\n.*only the simulator's clock.*dqsync reads new ones/s);
    expect(exitCode).toBe(0);
  });
});
