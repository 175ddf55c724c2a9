/**
 * Starts undici's clock before any test. undici makes one timer when it first needs one, and from then on only refreshes
 * it. If a test with fake timers came first, no request of a later test in the same process would reach its time limit.
 */
import timers from 'undici/lib/util/timers.js';

timers.clearFastTimeout(timers.setFastTimeout(() => undefined, 1));
