// Sign-up forms: on our page the script solves the form's puzzle; in a foreign page it also builds the form and shows answers in
// place. It is a module without imports of other bundles, because pages load it as a plain script, too (signups/views/script.py).
import { buildForm, showAnswer } from "./signupform.js";
import { MOST, solution } from "./logic/puzzle.js";

// Numbers that are tried without a pause: some milliseconds, so that typing stays smooth.
const PIECE = 4000;

async function solve(stamp) {
  for (let from = 0; from < MOST; from += PIECE) {
    const found = solution(stamp, from, PIECE);
    if (found >= 0) return String(found);
    await new Promise((resolve) => setTimeout(resolve));
  }
  return "";
}

// The puzzle is begun when the person begins to fill in the form.
function prepare(form) {
  let running = null;
  const start = () => {
    const stamp = form.querySelector("[data-stamp]").value;
    if (running?.stamp !== stamp) running = { stamp, number: solve(stamp) };
    return running.number;
  };
  form.addEventListener("focusin", start, { once: true });
  return async () => {
    const number = form.querySelector("[data-number]");
    number.value = await start();
  };
}

function enhance(form) {
  const ready = prepare(form);
  let isReady = false;
  form.addEventListener("submit", async (event) => {
    if (isReady) return;
    event.preventDefault();
    form.querySelector("button").disabled = true;
    await ready();
    isReady = true;
    form.submit();
  });
  // The page comes back from the browser's memory: it may be sent again.
  window.addEventListener("pageshow", () => {
    isReady = false;
    form.querySelector("button").disabled = false;
  });
}

function embed(known, script) {
  const form = buildForm(known);
  script.after(form);
  const ready = prepare(form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      await ready();
      let answer = await send(known.url, form);
      if (answer.state === "again") {
        form.querySelector("[data-stamp]").value = answer.stamp;
        // A form is at least two seconds old when it is sent.
        await Promise.all([ready(), new Promise((resolve) => setTimeout(resolve, 2100))]);
        answer = await send(known.url, form);
      }
      showAnswer(form, answer);
    } catch {
      showAnswer(form, { state: "errors", text: known.failed, errors: {} });
    } finally {
      button.disabled = false;
    }
  });
}

async function send(url, form) {
  const answer = await fetch(url, {
    method: "POST",
    body: new URLSearchParams(new FormData(form)),
    headers: { Accept: "application/json" },
    credentials: "omit",
    referrerPolicy: "no-referrer",
  });
  return answer.json();
}

for (const form of document.querySelectorAll("form[data-signup]")) enhance(form);
for (const [known, script] of (globalThis.yanshuForms ?? []).splice(0)) embed(known, script);
