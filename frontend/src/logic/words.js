/** A text whose {names} are replaced by values; an unknown name becomes nothing. */
export function fillIn(text, values) {
  return text.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? "");
}

/** Dates as pages.locales writes them: the day first in English, too. */
export function localeOfDates(language) {
  return language.startsWith("en") ? "en-GB" : language;
}
