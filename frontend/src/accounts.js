// Entrance and profile: passwords that can be looked at, the browser's time zone proposed.
export function bindAccounts() {
  for (const input of document.querySelectorAll("input[data-reveal]")) offerReveal(input);
  const zone = document.querySelector("input[data-browser-zone]");
  if (zone) proposeZone(zone);
}

// Only over what the server proposed: never over what somebody chose.
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
