// Short messages at the foot of the page, from the server's "toast" event or from other scripts.
// The event's value is a text, or {text, kind, undo, label}: undo is the address a POST takes the step back at.
const region = document.getElementById("toasts");
const texts = document.body.dataset;

function toast(text, { kind = "", undo = "", label = texts.undo, seconds = 5 } = {}) {
  const box = document.createElement("div");
  box.className = `toast ${kind}`;
  box.append(text);
  if (undo) box.append(undoButton(undo, label, box));
  region.append(box);
  setTimeout(() => box.remove(), (undo ? 10 : seconds) * 1000);
}

function undoButton(address, label, box) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.addEventListener("click", async () => {
    button.disabled = true;
    const token = document.querySelector("meta[name=csrf-token]").content;
    const answer = await fetch(address, { method: "POST", headers: { "X-CSRF-Token": token } }).catch(() => null);
    box.remove();
    if (answer && answer.ok) location.reload();
    else toast(texts.undoFailed, { kind: "bad" });
  });
  return button;
}

if (region) {
  document.addEventListener("toast", (event) => {
    const detail = event.detail || {};
    const value = detail.value ?? detail.text;
    if (value) toast(value, detail);
  });
  document.addEventListener("htmx:error", () => toast(texts.offline, { kind: "bad", seconds: 8 }));
  for (const box of region.querySelectorAll(".toast:not(.bad)")) setTimeout(() => box.remove(), 6000);
}
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  event.preventDefault();
  const text = button.dataset.copy || document.querySelector(button.dataset.copyFrom).textContent.trim();
  const copied = navigator.clipboard ? await navigator.clipboard.writeText(text).then(() => true, () => false) : byHand(text);
  toast(copied ? texts.copied : texts.copyFailed, { kind: copied ? "" : "bad" });
});

// Plain http in an office has no clipboard API.
function byHand(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
