// A form with data-upload sends its file in pieces, each confirmed by the server: a lost connection costs
// one piece, a large file needs no large request, and who chooses the same file again (after a reload, a
// crash, tomorrow) goes on where it stopped. Without JavaScript the same form is sent as it is.
const PIECE = 4 * 1024 * 1024;
const MB = 1024 * 1024;
// Letters: up to four bytes each, and a form may have 2.5 MB.
const MOST_PASTED = 500_000;

for (const form of document.querySelectorAll("form[data-upload]")) bind(form);

function bind(form) {
  const input = form.querySelector("input[type=file]");
  const zone = form.querySelector("[data-drop]") ?? form;
  let chosen = null;
  const begin = (file) => send(form, (chosen = file));
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
  // More pasted lines than a form may carry go the way of a file.
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
    const begun = await beginning(form, file);
    let { offset } = begun;
    while (offset < file.size) {
      shown.progress(offset);
      const piece = file.slice(offset, offset + PIECE);
      const answer = await patiently(() =>
        post(form, `${begun.upload}?offset=${offset}`, piece, "application/octet-stream"),
      );
      offset = answer.next;
    }
    shown.done();
    const done = await post(form, begun.finish, "", "text/plain");
    localStorage.removeItem(keyOf(file));
    delete form.dataset.sending;
    location.assign(done.next);
  } catch (error) {
    // Refused for good: the same file would be refused again where it stands.
    if (error.final) {
      localStorage.removeItem(keyOf(file));
      showWaiting();
    }
    shown.failed(error.message);
    delete form.dataset.sending;
  }
}

// The files that wait, as they are now: of other tabs and workspaces, too.
async function showWaiting() {
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.getElementById("waiting-files");
  if (now) document.getElementById("waiting-files")?.replaceWith(now);
}

const keyOf = (file) => `upload:${location.pathname}:${file.name}:${file.size}:${file.lastModified}`;

// Where the pieces go: an upload of this file that was cut off, at its next byte, or a new one.
async function beginning(form, file) {
  const kept = JSON.parse(localStorage.getItem(keyOf(file)) ?? "null");
  if (kept) {
    try {
      const { next } = await post(form, `${kept.upload}?offset=0`, "", "application/octet-stream");
      return { ...kept, offset: next };
    } catch (error) {
      if (!error.final) throw error;
      localStorage.removeItem(keyOf(file));
    }
  }
  const asked = JSON.stringify({ name: file.name, size: file.size });
  const begun = await post(form, form.dataset.begin, asked, "application/json");
  localStorage.setItem(keyOf(file), JSON.stringify(begun));
  return { ...begun, offset: 0 };
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
      words(`${file.name} · ${form.dataset.share.replace(/\{(\w+)\}/g, (_all, name) => sizes[name])}`, false);
    },
    done() {
      bar.value = bar.max;
      words(form.dataset.reading, false);
    },
    failed(text) {
      words(text, true);
    },
  };
}

// A piece that got lost is sent again, after growing pauses; a refusal is final.
async function patiently(attempt) {
  for (const pause of [500, 2000, 5000, 10000]) {
    try {
      return await attempt();
    } catch (error) {
      if (error.final) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  return attempt();
}

async function post(form, url, body, type) {
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const headers = { "Content-Type": type, "X-CSRFToken": token };
  const response = await fetch(url, { method: "POST", body, headers }).catch(() => null);
  const answer = await response?.json().catch(() => ({}));
  if (!response?.ok) {
    const error = new Error(answer?.error ?? form.dataset.failed);
    error.final = response !== null && response.status < 500;
    throw error;
  }
  return answer;
}
