// The editor of a condition: another field or operator brings other inputs at once, and the focus stays where one works.
let next = () => null;
let waiting = 0;
document.addEventListener("change", (event) => {
  const changed = event.target;
  if (!changed.matches("[data-builder-refresh]")) return;
  next = () => document.getElementById(changed.id);
  // Arrow keys pass through many choices: only where they stop counts.
  clearTimeout(waiting);
  waiting = setTimeout(() => changed.closest("[data-builder]")?.querySelector("[data-builder-update]").click(), 200);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-builder] button[name=_edit]:not([data-builder-update])");
  if (!button) return;
  clearTimeout(waiting);
  next = () => after(...button.value.split(":"));
});
document.addEventListener("htmx:after:swap", () => {
  const target = next();
  next = () => null;
  if (target) target.focus();
});

function after(action, path) {
  const wrong = document.querySelector("[data-builder] [aria-invalid=true]");
  if (wrong && (action === "text" || action === "rows")) return wrong;
  const group = document.getElementById((action === "remove" ? path.slice(0, path.lastIndexOf(".")) : path).replaceAll(".", "-"));
  if (action === "text") return document.getElementById(`${path}-text`);
  if (!group) return null;
  if (action === "add-row") return [...group.querySelectorAll(":scope > .condition-row select")].at(-1);
  if (action === "add-group") return [...group.querySelectorAll(":scope > .condition-group select")].at(-1);
  if (action === "remove") return group.querySelector(":scope > .condition-foot button");
  return group.querySelector("select");
}
