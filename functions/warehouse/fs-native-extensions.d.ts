/** The parts of fs-native-extensions 1.5.1 that file-lock.ts uses. The package has no types. */
declare module 'fs-native-extensions' {
  /** Acquires the exclusive lock of an open file; false if another open file has it. */
  export function tryLock(fd: number): boolean;
  export function unlock(fd: number): void;
}
