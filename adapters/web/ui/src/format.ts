/** Numbers, times and money as people read them. */

import { language } from "./texts";

const oneDecimal = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });

export const NONE = "–";

export const amperes = (value: number | null | undefined) => (value == null ? NONE : `${oneDecimal.format(value)} A`);
export const bare = (value: number | null | undefined) => (value == null ? NONE : oneDecimal.format(value));
export const rating = (value: number) => `${whole.format(value)} A`;
export const kilowatts = (watts: number) => `${oneDecimal.format(watts / 1000)} kW`;
export const kilowattHours = (wh: number | null) => (wh == null ? NONE : `${oneDecimal.format(wh / 1000)} kWh`);
/** As `kilowattHours`, and finer where it is little. */
export const energy = (wh: number) => (wh < 1000 ? `${Math.round(wh)} Wh` : kilowattHours(wh));

export function money(amount: string | null, currency: string): string {
  if (amount === null) return NONE;
  return new Intl.NumberFormat(language, { style: "currency", currency }).format(Number(amount));
}

export function duration(from: string, to: string | Date): string {
  const minutes = Math.max(0, Math.floor((new Date(to).getTime() - new Date(from).getTime()) / 60_000));
  const hours = Math.floor(minutes / 60);
  return hours > 0 ? `${hours} h ${String(minutes % 60).padStart(2, "0")} min` : `${minutes} min`;
}

export function timeOfDay(at: Date, timeZone: string, seconds: boolean): string {
  const second = seconds ? "2-digit" : undefined;
  return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second, hourCycle: "h23", timeZone }).format(at);
}

export function clock(at: string | Date, timeZone: string): string {
  return new Intl.DateTimeFormat(language, { timeStyle: "medium", timeZone }).format(new Date(at));
}

/** The time of day, with the day before it when that is not today. */
export function moment(at: string, now: string | Date, timeZone: string): string {
  const day = (when: string | Date) =>
    new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone }).format(new Date(when));
  const time = new Intl.DateTimeFormat(language, { timeStyle: "short", timeZone }).format(new Date(at));
  return day(at) === day(now) ? time : `${day(at)}, ${time}`;
}

/** The next moment at which it is that time of day (HH:MM) at the site. */
export function timeToday(time: string, now: Date, timeZone: string): Date {
  const minutes = (clock: string) => 60 * Number(clock.slice(0, 2)) + Number(clock.slice(3, 5));
  const missing = (at: Date) => minutes(time) - minutes(timeOfDay(at, timeZone, false));
  const later = (at: Date, by: number) => new Date(at.getTime() + 60_000 * by);
  const whole = new Date(60_000 * Math.floor(now.getTime() / 60_000));
  const first = later(whole, (missing(now) + 1440) % 1440);
  return later(first, ((missing(first) + 720 + 1440) % 1440) - 720); // in between the clocks may have been changed
}
