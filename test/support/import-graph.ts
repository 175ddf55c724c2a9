/** The imports of source files, as TypeScript parses them. */
import { posix } from 'node:path';
import { createVirtualFileSystem } from 'typescript/unstable/fs';
import { API } from 'typescript/unstable/sync';

/** One import of one file: static, dynamic, type-only, or an `export … from`. */
export interface Import {
  /** Path of the importing file, from the repository's root. */
  readonly from: string;
  /** Path of a file, from the repository's root, or the specifier of a package, for example `node:path`. */
  readonly to: string;
}

/** The texts of source files by their paths from the repository's root. */
export type SourceTexts = Readonly<Record<string, string>>;

const configPath = '/tsconfig.json';
/** Options to parse each file by itself, without resolving imports or loading libraries. */
const parseOnly = { noResolve: true, noLib: true, types: [], allowJs: true, noEmit: true, module: 'nodenext' };

/** Returns all imports of all files. */
export function importsOf(texts: SourceTexts): Import[] {
  const config = JSON.stringify({ compilerOptions: parseOnly, files: Object.keys(texts) });
  const files = Object.entries(texts).map(([path, text]) => [`/${path}`, text]);
  const fs = createVirtualFileSystem(Object.fromEntries([...files, [configPath, config]]));
  const api = new API({ cwd: '/', fs });
  try {
    const program = api.updateSnapshot({ openProjects: [configPath] }).getProject(configPath)?.program;
    return Object.keys(texts).flatMap((path) => {
      const file = program?.getSourceFile(`/${path}`);
      if (file === undefined) {
        throw new Error(`${path} was not parsed`);
      }
      return file.imports.map((node) => ({ from: path, to: pathOf(path, textOf(node)) }));
    });
  } finally {
    api.close();
  }
}

/** Returns the import cycles, each as a path that ends with its first file. */
export function cyclesIn(imports: readonly Import[]): string[] {
  const targets = Map.groupBy(imports, ({ from }) => from);
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      return;
    }
    if (done.has(file)) {
      return;
    }
    for (const { to } of targets.get(file) ?? []) {
      visit(to, [...path, file]);
    }
    done.add(file);
  };
  for (const file of targets.keys()) {
    visit(file, []);
  }
  return cycles;
}

function textOf(node: object): string {
  return 'text' in node && typeof node.text === 'string' ? node.text : '';
}

function pathOf(from: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : specifier;
}
