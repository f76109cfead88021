// The editor of a condition: another field or operator brings other inputs at once.
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-builder-refresh]")) return;
  event.target.closest("[data-builder]").querySelector("[data-builder-update]").click();
});
