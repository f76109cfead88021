// What is being filled in is kept on the server while it is typed, so that no phone loses it.
const PAUSE = 2000;
const waiting = new WeakMap();

function keep(form) {
  const sent = new FormData();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") sent.append(name, value);
  sent.delete("submit_id");
  sent.set("last_field", form.dataset.lastField || "");
  const token = document.querySelector("meta[name=csrf-token]").content;
  return fetch(form.dataset.serverDraft, { method: "POST", body: sent, headers: { "X-CSRF-Token": token }, keepalive: true });
}

function touched(event) {
  const form = event.target.form;
  if (!form || !form.dataset.serverDraft || !event.isTrusted) return;
  const field = event.target.closest("[id^=field-]");
  if (field) form.dataset.lastField = field.id.slice("field-".length);
  clearTimeout(waiting.get(form));
  // a failed try is made up for by the next: what is typed stays on the page
  waiting.set(form, setTimeout(() => keep(form).catch(() => null), PAUSE));
}

document.addEventListener("input", touched);
document.addEventListener("change", touched);
document.addEventListener("submit", (event) => clearTimeout(waiting.get(event.target)));
