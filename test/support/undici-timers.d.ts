/** undici's own timers, for `undici-clock.ts`. They have no types. */
declare module 'undici/lib/util/timers.js' {
  const timers: {
    setFastTimeout(callback: () => void, delayMs: number): object;
    clearFastTimeout(timer: object): void;
  };

  export = timers;
}
