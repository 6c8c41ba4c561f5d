// Dates as numbers that keep their text format: a format is a pattern of tokens (YYYY MM DD M D MMM HH mm ss SSS) around literal text; the number counts whole units
// (days, minutes, seconds or milliseconds) since 1970-01-01 UTC in the proleptic Gregorian calendar.

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const token = /YYYY|MMM|MM|M|DD|D|HH|mm|ss|SSS/g;
const pieces: Record<string, string> = {
  YYYY: '(\\d{4})',
  MMM: `(${months.join('|')})`,
  MM: '(\\d{2})',
  M: '(\\d{1,2})',
  DD: '(\\d{2})',
  D: '(\\d{1,2})',
  HH: '(\\d{2})',
  mm: '(\\d{2})',
  ss: '(\\d{2})',
  SSS: '(\\d{3})',
};

export interface DateFormat {
  readonly pattern: string;
  /** Milliseconds in one unit of the number: a day, minute, second or millisecond, whichever the text can express. */
  readonly unit: number;
  /** Whole units since 1970-01-01, or undefined when the text is no such date (31 February included). */
  parse(text: string): number | undefined;
  format(value: number): string;
}

/** A format from its pattern, e.g. `YYYY-MM-DD HH:mm`. */
export function dateFormat(pattern: string): DateFormat {
  const names: readonly string[] = pattern.match(token) ?? [];
  const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const expression = new RegExp(
    `^${pattern
      .split(/(YYYY|MMM|MM|M|DD|D|HH|mm|ss|SSS)/)
      .map((part) => pieces[part] ?? literal(part))
      .join('')}$`,
  );
  const unit = names.includes('SSS') ? 1 : names.includes('ss') ? 1000 : names.includes('mm') ? 60_000 : 86_400_000;
  return {
    pattern,
    unit,
    parse(text) {
      const found = expression.exec(text);
      if (!found) return undefined;
      const part: Record<string, number> & { YYYY: number; M: number; D: number; HH: number; mm: number; ss: number; SSS: number } = {
        YYYY: 1970,
        M: 1,
        D: 1,
        HH: 0,
        mm: 0,
        ss: 0,
        SSS: 0,
      };
      names.forEach((name, i) => {
        const value = found[i + 1] as string;
        const key = name === 'MM' || name === 'MMM' ? 'M' : name === 'DD' ? 'D' : name;
        part[key] = name === 'MMM' ? months.indexOf(value) + 1 : Number(value);
      });
      const date = new Date(0);
      date.setUTCFullYear(part.YYYY, part.M - 1, part.D);
      if (date.getUTCMonth() !== part.M - 1 || date.getUTCDate() !== part.D || part.HH > 23 || part.mm > 59 || part.ss > 59) return undefined;
      return (date.getTime() + ((part.HH * 60 + part.mm) * 60 + part.ss) * 1000 + part.SSS) / unit;
    },
    format(value) {
      const date = new Date(Math.round(value) * unit);
      const pad = (n: number, width: number) => String(n).padStart(width, '0');
      return pattern.replace(token, (name) => {
        if (name === 'YYYY') return pad(date.getUTCFullYear(), 4);
        if (name === 'MMM') return months[date.getUTCMonth()] as string;
        if (name === 'MM') return pad(date.getUTCMonth() + 1, 2);
        if (name === 'M') return String(date.getUTCMonth() + 1);
        if (name === 'DD') return pad(date.getUTCDate(), 2);
        if (name === 'D') return String(date.getUTCDate());
        if (name === 'HH') return pad(date.getUTCHours(), 2);
        if (name === 'mm') return pad(date.getUTCMinutes(), 2);
        if (name === 'ss') return pad(date.getUTCSeconds(), 2);
        return pad(date.getUTCMilliseconds(), 3);
      });
    },
  };
}

/** The formats inference tries; of several that fit a whole column the first wins (so 03/04/2024 is March 4th unless a day above 12 says otherwise). */
export const dateFormats: readonly DateFormat[] = [
  'YYYY-MM-DD',
  'YYYY-MM-DD HH:mm:ss',
  'YYYY-MM-DD HH:mm',
  'YYYY-MM-DDTHH:mm:ss.SSSZ',
  'YYYY-MM-DDTHH:mm:ssZ',
  'YYYY-MM-DDTHH:mm:ss',
  'YYYY-MM-DDTHH:mm',
  'YYYY-MM-DD HH:mm:ss.SSS',
  'YYYY/MM/DD HH:mm',
  'YYYY/MM/DD',
  'MM/DD/YYYY',
  'DD/MM/YYYY',
  'M/D/YYYY',
  'D/M/YYYY',
  'DD.MM.YYYY',
  'D.M.YYYY',
  'MMM DD YYYY',
  'MMM D YYYY',
  'D MMM YYYY',
].map(dateFormat);

/** Cheap test before the formats: could this text be a date at all? */
export const mayBeDate = (text: string): boolean => text.length >= 8 && text.length <= 24 && /^[\dA-Z][\w:./ -]+$/.test(text) && /\d{4}/.test(text);
