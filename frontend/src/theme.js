// Runs before the page is painted, so that a dark page never flashes white.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const systems = () => (dark.matches ? "dark" : "light");

  function apply() {
    const choice = localStorage.getItem("theme") ?? "system";
    root.dataset.bsTheme = choice === "system" ? systems() : choice;
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
