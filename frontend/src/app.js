// On every page: HTMX for parts that change, Alpine for local state, Tabler's behaviour.
import "@tabler/core/dist/css/tabler.css";
import "./app.css";
import "@tabler/core/dist/js/tabler.js";
import htmx from "htmx.org";
import Alpine from "@alpinejs/csp";
import { registerComponents } from "./components.js";
import { keepDrafts } from "./drafts.js";
import { bindShell } from "./shell.js";
import { bindTables } from "./tables.js";

// The content security policy forbids inline styles and eval.
htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0;
window.htmx = htmx;

registerComponents(Alpine);
Alpine.start();
bindShell(htmx);
bindTables();
keepDrafts();
