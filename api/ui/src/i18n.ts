// Text in two languages. Keys are the same in both dictionaries; a test holds it.
import en from "./en.json";
import zh from "./zh.json";

export type Language = "en" | "zh";
export type Key = keyof typeof en;
export const dictionaries: Record<Language, Record<Key, string>> = { en, zh };

let current: Language = initial();

function initial(): Language {
  const stored = globalThis.localStorage?.getItem("language");
  if (stored === "en" || stored === "zh") return stored;
  return globalThis.navigator?.language?.startsWith("zh") ? "zh" : "en";
}

export const language = () => current;

export function setLanguage(next: Language) {
  current = next;
  globalThis.localStorage?.setItem("language", next);
}

/** Returns the text of key, with {name} replaced by values. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return dictionaries[current][key].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** Returns the name of an indicator of comparisons, with its class of vehicles where it has one. */
export function indicator(id: string): string {
  const [name, kind] = id.split(".");
  const text = named(`kpi.${name}`) ?? name.replaceAll("_", " ");
  return kind ? `${text}, ${named(`class.${kind}`) ?? kind}` : text;
}

/** Returns the name of what sensors measure. */
export const measure = (quantity: string) => named(`quantity.${quantity}`) ?? quantity.replaceAll("_", " ");

function named(key: string): string | undefined {
  return dictionaries[current][key as Key];
}

/** Formats a number with at most digits decimals; a dash when there is none. */
export function num(value: number | null | undefined, digits = 0): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return new Intl.NumberFormat(current, { maximumFractionDigits: digits, signDisplay: "negative" }).format(value);
}

/** Formats an instant as hours and minutes in the city's time zone. */
export function clock(at: string | number | Date, zone: string): string {
  return new Intl.DateTimeFormat(current, { weekday: "short", hour: "2-digit", minute: "2-digit", timeZone: zone, hour12: false }).format(new Date(at));
}

/** Formats an instant as hours and minutes alone. */
export function hour(at: string | number | Date, zone: string): string {
  return new Intl.DateTimeFormat(current, { hour: "2-digit", minute: "2-digit", timeZone: zone, hour12: false }).format(new Date(at));
}
