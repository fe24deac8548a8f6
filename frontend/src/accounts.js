// Log-in and profile pages: shows a typed password, and proposes the browser's time zone.
export function bindAccounts() {
  for (const input of document.querySelectorAll("input[data-reveal]")) offerReveal(input);
  const zone = document.querySelector("input[data-browser-zone]");
  if (zone) proposeZone(zone);
  for (const input of document.querySelectorAll("input[data-color]")) offerPicker(input);
}

// The text field stays the control, because it can be empty. The colour picker only fills it.
function offerPicker(input) {
  const picker = document.createElement("input");
  picker.type = "color";
  picker.className = "form-control";
  picker.setAttribute("aria-label", input.labels[0]?.firstChild.textContent.trim() ?? "");
  const follow = () => {
    const value = input.value.trim();
    picker.value = /^#[0-9a-f]{6}$/i.test(value) ? value : input.placeholder;
  };
  picker.addEventListener("input", () => {
    input.value = picker.value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  for (const change of ["input", "draft"]) input.addEventListener(change, follow);
  const box = document.createElement("div");
  box.className = "color-row";
  input.before(box);
  box.append(input, picker);
  follow();
}

// Replaces only the server's proposal, never a zone that the person chose.
function proposeZone(input) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (here && input.value === "UTC" && input.defaultValue === "UTC") input.value = here;
}

function offerReveal(input) {
  const { revealShow, revealHide } = input.dataset;
  if (!revealShow) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn reveal";
  button.textContent = revealShow;
  button.setAttribute("aria-controls", input.id);
  button.addEventListener("click", () => {
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.textContent = shown ? revealShow : revealHide;
  });
  const box = document.createElement("div");
  box.className = "reveal-box";
  input.before(box);
  box.append(input, button);
}
