/** Replaces {names} in a text by values; an unknown name by "". */
export function fillIn(text, values) {
  return text.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? "");
}

/** Dates in the form of pages.locales: day first, also in English. */
export function localeOfDates(language) {
  return language.startsWith("en") ? "en-GB" : language;
}
