// Language tags that Intl does not take.
import assert from "node:assert/strict";
import { test } from "node:test";
import { localeOf, mendLanguage } from "../src/logic/locale.js";

test("a tag that Intl does not take becomes the nearest that it takes", () => {
  const tags = ["en-US@posix", "de_DE.UTF-8", "zh-Hans", "C", "POSIX@x", "", undefined, "-", "中文"];
  const locales = tags.map((tag) => localeOf(tag, "zh-Hans"));
  assert.deepEqual(locales, [
    "en-US",
    "de-DE",
    "zh-Hans",
    "zh-Hans",
    "POSIX",
    "zh-Hans",
    "zh-Hans",
    "zh-Hans",
    "zh-Hans",
  ]);
  for (const locale of locales) {
    assert.equal(new Intl.NumberFormat(locale).format(1), "1");
    assert.ok(new Intl.DateTimeFormat(locale).format(0));
  }
});

test("a browser with such a tag gets one that libraries can format by; any other keeps its own", () => {
  class Navigator {
    get language() {
      return "en-US@posix";
    }
  }
  const broken = new Navigator();
  assert.throws(() => new Intl.NumberFormat(broken.language), RangeError);
  mendLanguage(broken, "zh-Hans");
  assert.equal(new Intl.NumberFormat(broken.language).format(1234), "1,234");
  const sound = Object.freeze({ language: "de-CH" });
  mendLanguage(sound, "zh-Hans");
  assert.equal(sound.language, "de-CH");
});
