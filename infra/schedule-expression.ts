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

const monthNames = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const weekdayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const monthLengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names of the values, starting at `min`. */
  readonly names?: readonly string[];
  /** Other values besides numbers, names, `*` and `?`. */
  readonly special?: RegExp;
  /** Whether `?` is allowed. */
  readonly isDay?: boolean;
}

const minuteField: Field = { name: 'minute', min: 0, max: 59 };
const hourField: Field = { name: 'hour', min: 0, max: 23 };
const dayField: Field = { name: 'day of the month', min: 1, max: 31, special: /^(L|LW)$/, isDay: true };
const monthField: Field = { name: 'month', min: 1, max: 12, names: monthNames };
const weekdayField: Field = {
  ...{ name: 'weekday', min: 1, max: 7, names: weekdayNames, isDay: true },
  special: /^(L|[1-7]L|(SUN|MON|TUE|WED|THU|FRI|SAT)L)$/,
};
const yearField: Field = { name: 'year', min: 1970, max: 2199 };
const fields: readonly Field[] = [minuteField, hourField, dayField, monthField, weekdayField, yearField];

/**
 * Returns what is wrong with a `cron(…)`, by the rules of EventBridge Scheduler, so that synth refuses what a deployment
 * would refuse. Fields, values and wildcards: "Schedule types in EventBridge Scheduler", "Cron-based schedules".
 */
function cronProblem(expression: string): string | null {
  const texts = /^cron\((.*)\)$/.exec(expression)?.[1]?.split(' ') ?? [];
  if (texts.length !== fields.length) {
    return `has ${texts.length} fields instead of six: cron(<minute> <hour> <day> <month> <weekday> <year>), for example "cron(0 2 * * ? *)"`;
  }
  const problems = fields.map((field, index) => fieldProblem(field, texts[index] ?? ''));
  const [, , days = '', months = '', weekdays = ''] = texts;
  return problems.find((problem) => problem !== null) ?? dayRuleProblem(days, weekdays) ?? dateProblem(days, months);
}

function fieldProblem(field: Field, text: string): string | null {
  if (field.isDay === true && text === '?') {
    return null;
  }
  if (field.name === 'weekday' && text.includes('#')) {
    const [, day = '', place = ''] = /^([A-Z0-9]+)#([1-5])$/.exec(text) ?? [];
    const isRight = numberOf(field, day) !== null && place !== '';
    return isRight
      ? null
      : `has the weekday "${text}": write one "<weekday>#<1 to 5>" without commas, for example "2#1"`;
  }
  const wrong = text.split(',').find((part) => !isPart(field, part));
  return wrong === undefined ? null : `has the ${field.name} "${wrong}": ${allowedIn(field)}`;
}

function allowedIn({ min, max, names, isDay }: Field): string {
  const named = names === undefined ? '' : ` or ${names[0]} to ${names.at(-1)}`;
  const any = isDay === true ? ', "?"' : '';
  return `allowed are ${min} to ${max}${named}, "*"${any}, a rising range "a-b", or a step "a/n"`;
}

/** Returns whether the text is one element of a field's list: a value, a range or `*`, each with or without a step. */
function isPart(field: Field, part: string): boolean {
  const [base = '', step, ...rest] = part.split('/');
  const isStep = step === undefined || (/^[1-9]\d*$/.test(step) && Number(step) <= field.max);
  if (!isStep || rest.length > 0) {
    return false;
  }
  if (base === '*' || (step === undefined && isSpecial(field, base))) {
    return true;
  }
  const [from = '', to, ...more] = base.split('-');
  const [fromValue, toValue] = [numberOf(field, from), numberOf(field, to ?? from)];
  return more.length === 0 && fromValue !== null && toValue !== null && fromValue <= toValue;
}

function isSpecial(field: Field, text: string): boolean {
  const nearest = field === dayField ? /^(\d+)W$/.exec(text)?.[1] : undefined;
  return nearest === undefined ? field.special?.test(text) === true : numberOf(field, nearest) !== null;
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

/** Returns the problem of a date that never comes, such as 31 February. */
function dateProblem(days: string, months: string): string | null {
  const dates = days.split(',').map((part) => /^(\d+)(?:W|[-/]\d+)*$/.exec(part)?.[1]);
  // A list that contains "*" or "L" has days in every month.
  if (dates.some((date) => date === undefined)) {
    return null;
  }
  const lengths = valuesIn(monthField, months).map((month) => monthLengths[month - 1] ?? 0);
  return Math.min(...dates.map(Number)) <= Math.max(...lengths)
    ? null
    : `has the day "${days}" in the month "${months}", a date that does not exist: write "L" for the last day of a month`;
}

/** Returns the values of a field that has passed its check. */
function valuesIn(field: Field, text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [base = '', step] = part.split('/');
    const [from = '', to] = base === '*' ? [String(field.min), String(field.max)] : base.split('-');
    const first = numberOf(field, from) ?? field.min;
    const last = to === undefined ? (step === undefined ? first : field.max) : (numberOf(field, to) ?? first);
    const every = Number(step ?? 1);
    return Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, index) => first + index * every);
  });
}
