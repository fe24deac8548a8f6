// Language tags as browsers report them, made such that Intl takes them.

function isLocale(tag) {
  try {
    return Intl.getCanonicalLocales(tag).length > 0;
  } catch {
    return false;
  }
}

/**
 * The language tag, if Intl takes it; what of it stands before a sign that BCP 47 does not know ("en-US@posix", as Chromium
 * reports without a locale); or else the fallback. Intl throws at any other tag.
 */
export function localeOf(tag, fallback = "en") {
  const plain = String(tag ?? "").split(/[^\w-]/)[0];
  return [tag, plain.replaceAll("_", "-")].find(isLocale) ?? fallback;
}

/** Makes `navigator.language` a tag that Intl takes, for libraries that format by it. */
export function mendLanguage(navigator, fallback) {
  const locale = localeOf(navigator.language, fallback);
  if (locale !== navigator.language) {
    Object.defineProperty(navigator, "language", { value: locale, configurable: true });
  }
}
