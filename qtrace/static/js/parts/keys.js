// Keyboard: an element with data-key="n" or data-key="g i" is pressed by those keys; "/" goes to the search box.
// Typing in a field is never disturbed, and the whole thing can be switched off in the list of keys ("?").
const OFF = "qtrace-keys-off";
let first = "";

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable], dialog");
  if (typing || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key !== "?" && localStorage.getItem(OFF)) return;
  const keys = first ? `${first} ${event.key}` : event.key;
  first = event.key === "g" && !first ? "g" : "";
  const target = keys === "/" ? document.querySelector("input[type=search]") : null;
  if (target) target.focus();
  else if (keys === "?") openHelp();
  else if (!pressed(keys)) return;
  event.preventDefault();
});

function pressed(keys) {
  const target = document.querySelector(`[data-key="${CSS.escape(keys)}"]`);
  if (target) target.click();
  return Boolean(target);
}

function openHelp() {
  const help = document.getElementById("keys");
  if (help && help.showModal) help.showModal();
}

const onOff = document.querySelector("[data-keys-switch]");
if (onOff) {
  onOff.checked = !localStorage.getItem(OFF);
  onOff.addEventListener("change", () => (onOff.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")));
}
