// The scripts' texts and number formats in the reader's language.
import { localeOf } from "./logic/locale.js";
import { fillIn, localeOfDates } from "./logic/words.js";

const element = document.getElementById("words");
const words = element ? JSON.parse(element.textContent) : {};

export const language = localeOf(document.documentElement.lang);
export const dates = localeOfDates(language);
export const number = new Intl.NumberFormat(language);

export function say(key, values = {}) {
  return fillIn(words[key] ?? key, values);
}
