/**
 * Checks the expression of a schedule, in the syntax of EventBridge Scheduler, and derives its period. Pure. Alarms and
 * maximum ages depend on the period, so it must be known at synth.
 */
const unitMinutes: Readonly<Record<string, number>> = { minute: 1, hour: 60, day: 1440 };

/** Returns what is wrong with a schedule's expression, as the end of a sentence; null if AWS accepts it. */
export function scheduleExpressionProblem(text: string): string | null {
  if (isCron(text)) {
    return cronProblem(text);
  }
  const form = 'must be "rate(<n> minutes|hours|days)" or "cron(<minute> <hour> <day> <month> <weekday> <year>)"';
  return ratePeriodMinutes(text) === null ? `${form}; after 1 the unit is "minute", "hour" or "day"` : null;
}

/** Returns whether the text is a `cron(…)`, whose period is unknown. */
export function isCron(text: string): boolean {
  return text.startsWith('cron(');
}

/** Returns the minutes between two runs of a `rate(…)`; null for anything else. */
export function ratePeriodMinutes(text: string): number | null {
  const [, count = '', unit = '', plural = ''] = /^rate\(([1-9]\d{0,5}) (minute|hour|day)(s?)\)$/.exec(text) ?? [];
  const minutes = unitMinutes[unit];
  return minutes === undefined || (count === '1') === (plural === 's') ? null : Number(count) * minutes;
}

/** One field of a `cron(…)`. A list in it is separated by commas. */
interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names of the values, starting at `min`. */
  readonly names?: readonly string[];
  /** Other elements besides values, ranges, steps and `*`. */
  readonly special?: RegExp;
}

const fields: readonly Field[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of the month', min: 1, max: 31, special: /^(\?|L|LW|([1-9]|[12]\d|3[01])W)$/ },
  {
    ...{ name: 'month', min: 1, max: 12 },
    names: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
  },
  {
    ...{ name: 'weekday', min: 1, max: 7, names: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] },
    special: /^(\?|L|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(L|#[1-5]))$/,
  },
  { name: 'year', min: 1970, max: 2199 },
];

/**
 * Returns what is wrong with a `cron(…)`, by the rules of EventBridge Scheduler: "Schedule types in EventBridge
 * Scheduler", "Cron-based schedules".
 */
function cronProblem(expression: string): string | null {
  const texts = /^cron\((.*)\)$/.exec(expression)?.[1]?.split(' ') ?? [];
  if (texts.length !== fields.length) {
    return `has ${texts.length} fields instead of six: cron(<minute> <hour> <day> <month> <weekday> <year>), for example "cron(0 2 * * ? *)"`;
  }
  for (const [index, field] of fields.entries()) {
    const wrong = (texts[index] ?? '').split(',').find((part) => !isPart(field, part));
    if (wrong !== undefined) {
      return `has the ${field.name} "${wrong}": ${allowedIn(field)}`;
    }
  }
  return dayRuleProblem(texts[2] ?? '', texts[4] ?? '');
}

function allowedIn({ min, max, names, special }: Field): string {
  const named = names === undefined ? '' : ` or ${names[0]} to ${names.at(-1)}`;
  const any = special === undefined ? '' : ', "?"';
  return `allowed are ${min} to ${max}${named}, "*"${any}, a rising range "a-b", or a step "a/n"`;
}

/** Returns whether the text is one element of a field's list: a value, a range or `*`, each with or without a step. */
function isPart(field: Field, part: string): boolean {
  const [, from = '', to = from] = /^([^-/]+)(?:-([^-/]+))?(?:\/[1-9]\d*)?$/.exec(part) ?? [];
  const [first, last] = [numberOf(field, from), numberOf(field, to)];
  return from === '*' || field.special?.test(part) === true || (first !== null && last !== null && first <= last);
}

function numberOf({ min, max, names = [] }: Field, text: string): number | null {
  const value = names.includes(text) ? names.indexOf(text) + min : /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : null;
}

function dayRuleProblem(days: string, weekdays: string): string | null {
  if ((days === '?') !== (weekdays === '?')) {
    return null;
  }
  return days === '?'
    ? 'has "?" for both the day and the weekday: write "*" for the day, to run every day'
    : `has the day "${days}" and the weekday "${weekdays}": AWS accepts only one of them, so write "?" for the other`;
}
