/** The parts of fs-native-extensions 1.5.1 that file-lock.ts uses. It ships no types. */
declare module 'fs-native-extensions' {
  /** Takes the exclusive lock of an open file; false if another open file has it. */
  export function tryLock(fd: number): boolean;
  export function unlock(fd: number): void;
}
