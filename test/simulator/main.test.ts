import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { defaultAccount } from './accounts.ts';

describe('npm run simulator', () => {
  it('prints a config and credentials that work, and ends on Ctrl-C', async () => {
    const path = fileURLToPath(new URL('main.ts', import.meta.url));
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
    expect(exitCode).toBe(0);
  });
});
