// On every page: htmx for parts that change, Alpine for local state, Tabler's behaviour.
import "@tabler/core/dist/css/tabler.css";
import "./app.css";
import "@tabler/core/dist/js/tabler.esm.js";
import Alpine from "@alpinejs/csp";
import htmx from "htmx.org";
import { bindAccounts } from "./accounts.js";
import { bindActivity } from "./activity.js";
import { registerComponents } from "./components.js";
import { bindComposer } from "./composer.js";
import { bindDesigns } from "./designs.js";
import { bindDialogs } from "./dialogs.js";
import { keepDrafts } from "./drafts.js";
import { bindForms } from "./forms.js";
import { bindInPlace } from "./inplace.js";
import { bindKeys } from "./keys.js";
import { bindOrdering } from "./ordering.js";
import { bindPalette } from "./palette.js";
import { registerRelays } from "./relays.js";
import { bindSaving } from "./saving.js";
import { bindBuilder } from "./segments.js";
import { bindShell } from "./shell.js";
import { bindTables } from "./tables.js";
import { bindToasts } from "./toasts.js";

// The content security policy forbids inline styles and eval.
htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
// Not "style": a box that a person has resized has one, and copying it is an inline style.
htmx.config.attributesToSettle = ["class"];
htmx.config.selfRequestsOnly = true;
// Back reloads the page from the server: the data may have changed, and no copy stays in the browser.
htmx.config.historyCacheSize = 0;
htmx.config.refreshOnHistoryMiss = true;
window.htmx = htmx;

registerComponents(Alpine);
registerRelays(Alpine);
Alpine.start();
bindShell();
bindAccounts();
bindDialogs();
bindForms();
bindPalette(htmx);
bindKeys();
bindToasts();
bindActivity(htmx);
bindTables(htmx);
bindOrdering();
bindInPlace(htmx);
keepDrafts();
bindSaving();
bindDesigns(htmx);
bindBuilder();
bindComposer();
