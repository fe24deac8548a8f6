// Runs before the page is painted, so that a dark page never flashes white.
const stored = localStorage.getItem("theme") || "system";
const dark = matchMedia("(prefers-color-scheme: dark)");
const apply = (choice) => {
  const theme = choice === "system" ? (dark.matches ? "dark" : "light") : choice;
  document.documentElement.setAttribute("data-bs-theme", theme);
  document.documentElement.dataset.themeChoice = choice;
};
apply(stored);
dark.addEventListener("change", () => apply(localStorage.getItem("theme") || "system"));
if (localStorage.getItem("sidebar") === "small") document.documentElement.classList.add("sidebar-small");
window.applyTheme = (choice) => {
  localStorage.setItem("theme", choice);
  apply(choice);
};
