// Light, dark or as the system says; a cookie lets the server draw the page right the first time.
const YEAR = 31536000;
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-set]");
  if (!button) return;
  const choice = button.dataset.themeSet;
  document.documentElement.dataset.theme = choice;
  document.cookie = `qt_theme=${choice};path=/;max-age=${choice === "auto" ? 0 : YEAR};samesite=lax`;
  showChoice();
  document.dispatchEvent(new CustomEvent("themechange"));
});
function showChoice() {
  const now = document.documentElement.dataset.theme || "auto";
  for (const button of document.querySelectorAll("[data-theme-set]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeSet === now));
  }
}
showChoice();
