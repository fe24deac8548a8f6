// Imported before libraries that format by the browser's language: uPlot does it while it is loaded.
import { mendLanguage } from "./logic/locale.js";

mendLanguage(navigator, document.documentElement.lang || "en");
