// What the scripts say, in the reader's language, and figures as it writes them.
const element = document.getElementById("words");
const words = element ? JSON.parse(element.textContent) : {};

export const language = document.documentElement.lang || "en";
// Dates as pages.locales writes them: the day first in English, too.
export const dates = language.startsWith("en") ? "en-GB" : language;
export const number = new Intl.NumberFormat(language);

export function say(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? "");
}
