// Runs before the page is painted, so that a dark page never flashes white.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem("theme") ?? "system";

  function apply() {
    const choice = chosen();
    root.dataset.bsTheme = choice === "system" ? (dark.matches ? "dark" : "light") : choice;
    root.dataset.themeChoice = choice;
  }

  apply();
  dark.addEventListener("change", apply);
  addEventListener("storage", apply); // another tab changed it
  root.classList.toggle("sidebar-small", localStorage.getItem("sidebar") === "small");
  window.chooseTheme = (choice) => {
    localStorage.setItem("theme", choice);
    apply();
  };
})();
