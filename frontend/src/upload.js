// A form with data-upload sends its file in pieces, each confirmed by the server, so that a lost
// connection costs one piece and a large file needs no large request. Without JavaScript the same form is
// sent as it is.
const PIECE = 4 * 1024 * 1024;

for (const form of document.querySelectorAll("form[data-upload]")) bind(form);

function bind(form) {
  const input = form.querySelector("input[type=file]");
  const zone = form.querySelector("[data-drop]") ?? form;
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
      send(form, input.files[0]);
    }
  });
  input.addEventListener("change", () => input.files.length && send(form, input.files[0]));
  form.addEventListener("submit", (event) => {
    if (input.files.length && !form.querySelector("textarea")?.value) {
      event.preventDefault();
      send(form, input.files[0]);
    }
  });
}

async function send(form, file) {
  if (form.dataset.sending) return;
  form.dataset.sending = "1";
  const say = form.querySelector("[data-upload-say]");
  const bar = form.querySelector("progress");
  bar.hidden = false;
  bar.max = file.size || 1;
  try {
    const begun = await post(form, form.dataset.begin, JSON.stringify({ name: file.name, size: file.size }), "application/json");
    let offset = 0;
    while (offset < file.size) {
      const answer = await patiently(() =>
        post(form, `${begun.upload}?offset=${offset}`, file.slice(offset, offset + PIECE), "application/octet-stream"),
      );
      offset = answer.next;
      bar.value = offset;
      say.textContent = `${Math.floor((offset / file.size) * 100)} %`;
    }
    const done = await post(form, begun.finish, "", "text/plain");
    location.assign(done.next);
  } catch (error) {
    say.textContent = error.message;
    say.classList.add("text-danger");
    bar.hidden = true;
  } finally {
    delete form.dataset.sending;
  }
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
  const response = await fetch(url, { method: "POST", body, headers: { "Content-Type": type, "X-CSRFToken": token } });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    const error = new Error(answer.error ?? form.dataset.failed);
    error.final = response.status < 500;
    throw error;
  }
  return answer;
}
