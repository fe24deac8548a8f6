// A form with data-upload sends its file in pieces, each confirmed by the server. A lost connection costs
// one piece, and a large file needs no large request. If the person chooses the same file again, after a
// reload or a crash, the upload continues. Without JavaScript the form is sent as a whole.
import { keyOf, poster, sendFile } from "./logic/upload.js";
import { fillIn } from "./logic/words.js";

const MB = 1024 * 1024;
// Characters: each has up to four bytes, and a form may have 2.5 MB.
const MOST_PASTED = 500_000;
// The choices of columns are sent after a pause of 700 ms (templates/contacts/import_columns.html).
const SAVED_WITHIN = 1500;

for (const form of document.querySelectorAll("form[data-upload]")) bind(form);

function bind(form) {
  const input = form.querySelector("input[type=file]");
  const zone = form.querySelector("[data-drop]") ?? form;
  let chosen = null;
  const begin = (file) => {
    chosen = file;
    send(form, file);
  };
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("dropping");
    });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("dropping"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("dropping");
    if (event.dataTransfer.files.length) {
      input.files = event.dataTransfer.files;
      begin(input.files[0]);
    }
  });
  input.addEventListener("change", () => input.files.length && begin(input.files[0]));
  form.querySelector("[data-upload-again]")?.addEventListener("click", () => chosen && begin(chosen));
  // Pasted text that is too large for a form is sent like a file.
  form.addEventListener("submit", (event) => {
    const pasted = form.elements.pasted?.value ?? "";
    if (pasted.length < MOST_PASTED || input.files.length) return;
    event.preventDefault();
    begin(new File([pasted], form.dataset.pasted));
  });
  addEventListener("beforeunload", (event) => {
    if (form.dataset.sending) event.preventDefault();
  });
}

async function send(form, file) {
  if (form.dataset.sending) return;
  form.dataset.sending = "1";
  const shown = show(form, file);
  try {
    const next = await sendFile(file, {
      key: keyOf(location.pathname, file),
      begin: form.dataset.begin,
      post: poster(form.querySelector("[name=csrfmiddlewaretoken]").value, form.dataset.failed),
      storage: localStorage,
      shown,
    });
    await keepChoices();
    delete form.dataset.sending;
    location.assign(next);
  } catch (error) {
    if (error.final) showWaiting();
    shown.failed(error.message);
    delete form.dataset.sending;
  }
}

// Shows the columns of a file while it arrives.
function showColumns(url) {
  const place = document.querySelector("[data-upload-columns]");
  if (url && place) window.htmx.ajax("GET", url, { target: place, select: "#import-form", swap: "innerHTML" });
}

// A field that is being filled in sends its value when the person leaves it: wait for that.
async function keepChoices() {
  if (!document.querySelector("[data-upload-columns] form")) return;
  document.activeElement?.blur();
  await new Promise((resolve) => setTimeout(resolve, SAVED_WITHIN));
}

// Updates the list of waiting files, which other tabs and workspaces may have changed.
async function showWaiting() {
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.getElementById("waiting-files");
  if (now) document.getElementById("waiting-files")?.replaceWith(now);
}

function show(form, file) {
  const part = form.querySelector("[data-upload-progress]");
  const bar = part.querySelector("progress");
  const say = part.querySelector("[data-upload-say]");
  const again = part.querySelector("[data-upload-again]");
  const mb = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
  const words = (text, failed) => {
    say.textContent = text;
    say.classList.toggle("tone-bad", failed);
    again.hidden = !failed;
  };
  part.hidden = false;
  bar.max = file.size || 1;
  return {
    progress(offset) {
      bar.value = offset;
      const sizes = { done: mb.format(offset / MB), total: mb.format(file.size / MB) };
      words(`${file.name} · ${fillIn(form.dataset.share, sizes)}`, false);
    },
    begun: showColumns,
    done() {
      bar.value = bar.max;
      words(form.dataset.reading, false);
    },
    failed(text) {
      words(text, true);
    },
  };
}
