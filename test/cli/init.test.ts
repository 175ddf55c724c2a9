import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { type AnswerOptions, askAll } from '../../functions/cli/init/answers.ts';
import { endpointOf, gitignoreText } from '../../functions/cli/init/templates.ts';
import { loadConfig } from '../../functions/cli/terminal/config-file.ts';
import { readDeploymentFile } from '../../infra/deployment-file.ts';
import { callCli } from '../support/call-cli.ts';
import { runCli } from '../support/run-cli.ts';
import { tempFolder } from '../support/temp-warehouse.ts';
import { aWorld } from './world.ts';

const answers = ['--region', 'ap-southeast-3', '--project', '0b1c', '--workspace', '9f2e'];

describe('dqsync init', () => {
  it('writes a valid config, a secret that only its owner can read, and a .gitignore', async () => {
    const cwd = await tempFolder();
    const { exitCode, stdout } = await runCli(['init', 'mine', ...answers, '--auth', 'password'], { cwd });

    expect(exitCode).toBe(0);
    expect(stdout).toContain('cd mine\n  edit secret.json\n  dqsync doctor\n  dqsync sync\n');
    const folder = join(cwd, 'mine');
    const config = await loadConfig(join(folder, 'dqsync.json'));
    expect(config).toMatchObject({
      warehouse: `file:${folder}/warehouse`,
      source: { endpoint: endpointOf('ap-southeast-3'), iamEndpoint: 'https://iam.ap-southeast-3.myhuaweicloud.com' },
      targets: [{ name: 'main', projectId: '0b1c', workspace: '9f2e', credentials: `file:${folder}/secret.json` }],
    });
    expect((await stat(join(folder, 'secret.json'))).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(join(folder, 'secret.json'), 'utf8'))).toEqual({
      domainName: '',
      userName: '',
      password: '',
    });
    expect(JSON.parse(await readFile(join(folder, 'dqsync.schema.json'), 'utf8'))).toMatchObject({
      required: ['source', 'targets', 'initialFrom'],
    });
    expect(await readFile(join(folder, '.gitignore'), 'utf8')).toContain('secret.json\n');
  });

  it.each([
    [['--time-zone', 'Asia/Shanghai', '--from', '2026-11-01'], 'UTC', '2026-11-01T00:00:00+08:00'],
    [['--from', '2026-11-01'], 'America/New_York', '2026-11-01T00:00:00-04:00'],
    [['--time-zone', 'UTC', '--from', '2026-11-01'], 'Asia/Shanghai', '2026-11-01T00:00:00Z'],
  ])('begins at midnight in the time zone of the table: %j in %s', async (more, TZ, expected) => {
    const cwd = await tempFolder();
    await runCli(['init', ...answers, ...more], { cwd, env: { TZ } });
    expect(await loadConfig(join(cwd, 'dqsync.json'))).toMatchObject({ initialFrom: expected });
  });

  it('overwrites nothing, and keeps an existing secret', async () => {
    const cwd = await tempFolder();
    await writeFile(join(cwd, 'secret.json'), '{"accessKeyId":"AK"}');
    const first = await callCli(['init', ...answers], { cwd });
    const second = await callCli(['init', ...answers], { cwd });

    // Init runs doctor, which finds an incomplete secret.
    expect([first.exitCode, second.exitCode]).toEqual([1, 2]);
    expect(first.stdout).toMatch(
      /✗.*\n\nNext, fix what is marked with ✗.* Then:\n {2}dqsync doctor\n {2}dqsync sync\n/s,
    );
    expect(second.stderr).toContain('dqsync.json exists already; nothing was written');
    expect(await readFile(join(cwd, 'secret.json'), 'utf8')).toBe('{"accessKeyId":"AK"}');
  });

  it('reports the missing options if there is no terminal for questions', async () => {
    const cwd = await tempFolder();
    const { exitCode, stderr } = await runCli(['init', '--region', 'ap-southeast-3'], { cwd });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('needs --project <value> --workspace <value>');
  });

  it('adds only missing lines to a .gitignore', () => {
    expect(gitignoreText('node_modules/\nsecret.json')).toBe('node_modules/\nsecret.json\n.dqsync/\nwarehouse/\n');
    expect(gitignoreText(gitignoreText(''))).toBe(gitignoreText(''));
  });

  it('leaves the .gitignore of a clone as it is', async () => {
    const ofClone = await readFile(join(import.meta.dirname, '../../.gitignore'), 'utf8');
    expect(gitignoreText(ofClone)).toBe(ofClone);
    // The README's folder.
    expect(ofClone).toContain('\n/my-sync/\n');
  });
});

/** Answers that are not valid, by option, with what is said about them. */
const invalidAnswers: readonly (readonly [keyof AnswerOptions, string, RegExp])[] = [
  ['region', 'https://dayu.x', /"https:\/\/dayu\.x" must be the id of a region/],
  ['region', 'EU', /"EU" must be the id of a region/],
  ['project', 'a b', /"a b" must be 1 to 128 letters/],
  ['workspace', 'null', /"null" must not be "null"/],
  ['workspace', '销售', /"销售" must be 1 to 128 letters/],
  ['warehouse', '/data', /"\/data" must be "file:<folder>"/],
  ['warehouse', 's3://bucket/../b', /"s3:\/\/bucket\/\.\.\/b" must be "file:<folder>"/],
  ['from', '2026-02-30', /"2026-02-30" must be a day/],
  ['from', '7d', /"7d" must be a day/],
  ['from', '2999-01-01', /not in the future/],
  ['timeZone', 'CST', /"CST" must be "UTC" or an Area\/City name[^"]*"Asia\/Shanghai"\./],
  ['timeZone', 'Mars/Olympus', /must be "UTC" or an Area\/City name/],
];
const flags = { timeZone: '--time-zone' } as const;

describe('an answer that is not valid', () => {
  it.each(invalidAnswers)('is refused as an option before anything is written: %s %s', async (key, value, said) => {
    const cwd = await tempFolder();
    const flag = key === 'timeZone' ? flags.timeZone : `--${key}`;
    const run = await callCli(['init', ...answers, flag, value], { cwd });
    expect(run).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringMatching(said) });
    expect(run.stderr).toContain(`${flag} "`);
    expect(await readdir(cwd)).toEqual([]);
  });

  it('is refused at its question, which is asked again', async () => {
    const good: AnswerOptions = {
      region: 'eu-west-101',
      project: 'p',
      workspace: 'w',
      warehouse: 'file:./a',
      from: '2026-01-01',
      timeZone: 'Asia/Shanghai',
    };
    for (const [key, value, said] of [...invalidAnswers, ['auth', 'key', /"key" must be "aksk"/] as const]) {
      const errors = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
      const { [key]: _, ...others } = { auth: 'token' as const, ...good };
      const queue = [value, '', String({ auth: 'token', ...good }[key])];
      const asked: string[] = [];
      const result = await askAll(others, false, async (question) => {
        asked.push(question);
        return queue.shift() ?? '';
      });
      expect(result).toMatchObject({
        region: 'eu-west-101',
        project: 'p',
        workspace: 'w',
        auth: 'token',
        from: '2026-01-01',
        timeZone: 'Asia/Shanghai',
      });
      expect(new Set(asked).size).toBe(1);
      expect(asked).toHaveLength(3);
      expect(errors.mock.calls.join()).toMatch(said);
      errors.mockRestore();
    }
  });
});

describe('dqsync init --deploy', () => {
  const aClone = async (): Promise<string> => {
    const cwd = await tempFolder();
    await writeFile(join(cwd, 'cdk.json'), '{}');
    return cwd;
  };

  it('writes a commented deployment file, prints the steps to deploy it, and overwrites nothing', async () => {
    const cwd = await aClone();
    const { exitCode, stdout } = await callCli(['init', '--deploy', ...answers, '--name', 'sales'], { cwd });

    expect(exitCode).toBe(0);
    expect(stdout).toContain('  edit secret.json\n  npx cdk synth --quiet');
    expect(stdout).toContain('put-secret-value --secret-id dqsync/sales --secret-string file://secret.json');
    expect(readDeploymentFile(join(cwd, 'dqsync.deploy.json'))).toMatchObject({
      stackName: 'dqsync',
      warehouse: { bucketName: undefined, isExisting: false },
      config: { targets: [{ name: 'sales', projectId: '0b1c', credentials: 'secretsmanager:dqsync/sales' }] },
    });
    expect(await readFile(join(cwd, 'dqsync.deploy.json'), 'utf8')).toContain('// One entry for each workspace.');
    expect((await stat(join(cwd, 'secret.json'))).mode & 0o777).toBe(0o600);
    expect((await readdir(cwd)).sort()).toEqual(['cdk.json', 'dqsync.deploy.json', 'secret.json']);
    const again = await callCli(['init', '--deploy', ...answers], { cwd });
    expect(again.exitCode).toBe(2);
    expect(again.stderr).toContain('dqsync.deploy.json exists already; nothing was written');
  });

  it('accepts a bucket, an IAM password and a folder to write into', async () => {
    const cwd = await aClone();
    const more = ['--warehouse', 's3://my-bucket/dq', '--auth', 'password'];
    expect((await callCli(['init', cwd, '--deploy', ...answers, ...more], { cwd: '/' })).stdout).toContain(`cd ${cwd}`);
    expect(readDeploymentFile(join(cwd, 'dqsync.deploy.json'))).toMatchObject({
      warehouse: { bucketName: 'my-bucket', prefix: 'dq/' },
      config: { source: { iamEndpoint: 'https://iam.ap-southeast-3.myhuaweicloud.com' } },
    });
  });

  it.each([
    ['outside a clone', tempFolder, [], /there is no cdk\.json in this folder; nothing was written/],
    ['for a folder as warehouse', aClone, ['--warehouse', 'file:./wh'], /cannot be deployed: a Lambda has no persist/],
  ])('refuses %s', async (_what, place, more, message) => {
    const { exitCode, stderr } = await callCli(['init', '--deploy', ...answers, ...more], { cwd: await place() });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(message);
  });
});

describe('paths in a config', () => {
  it.each([
    ['named with --config', (path: string) => ({ args: ['--config', path], env: {} })],
    ['named by -c', (path: string) => ({ args: ['-c', path], env: {} })],
    ['named by DQSYNC_CONFIG_FILE', (path: string) => ({ args: [], env: { DQSYNC_CONFIG_FILE: path } })],
  ])('are relative to the folder of a config %s, in any working directory', async (_, naming) => {
    const world = await aWorld();
    const elsewhere = await tempFolder();
    const { args, env } = naming(join(world.folder, 'dqsync.json'));
    const { exitCode, stderr } = await callCli(['sync', ...args], { cwd: elsewhere, env });

    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    await expect(stat(join(world.folder, 'warehouse/state'))).resolves.toBeTruthy();
    await expect(stat(join(elsewhere, 'warehouse'))).rejects.toThrow('ENOENT');
  });

  it('may begin with ~, and are taken literally in a standard file URL', async () => {
    const folder = await tempFolder();
    const path = join(folder, 'dqsync.json');
    const targets = [{ name: 'a', projectId: 'p', workspace: 'w', credentials: 'env:SECRET' }];
    const source = { endpoint: endpointOf('ap-southeast-3') };
    const warehouseOf = async (warehouse: string): Promise<string> => {
      await writeFile(path, JSON.stringify({ warehouse, source, targets, initialFrom: '2026-01-01T00:00:00Z' }));
      return (await loadConfig(path)).warehouse;
    };
    expect(await warehouseOf('file:~/wh')).toBe(`file:${process.env['HOME']}/wh`);
    expect(await warehouseOf('file:///var/wh')).toBe('file:///var/wh');
    expect(await warehouseOf('s3://bucket/a')).toBe('s3://bucket/a');
  });
});
