"use strict";
{
// Marks that scripts run, and closes menus when they are left.
const root = document.documentElement;
root.classList.add("js");
root.classList.toggle("offline", !navigator.onLine);
addEventListener("online", () => root.classList.remove("offline"));
addEventListener("offline", () => root.classList.add("offline"));

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open], details.filter[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open], details.filter[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (location.hash === "#menu") {
    location.hash = "";
  }
});
}
{
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
}
{
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
}
{
// A button with data-confirm asks first; without scripts the server simply does it, and undo stays.
const dialog = document.getElementById("confirm");
let asked = null;

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-confirm]");
  if (!button || button === asked || !dialog || !dialog.showModal) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  dialog.querySelector("[data-question]").textContent = button.dataset.confirm;
  const yes = dialog.querySelector("[value=yes]");
  yes.textContent = button.dataset.confirmYes || button.textContent.trim();
  yes.classList.toggle("bad", button.classList.contains("bad"));
  dialog.returnValue = "";
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "yes") {
      asked = button;
      button.click();
      asked = null;
    }
    button.focus();
  }, { once: true });
  dialog.showModal();
}, true);

// Any dialog of the page: data-open="id" opens it, [data-close] closes it.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  const closer = event.target.closest("[data-close]");
  if (opener) {
    const target = document.getElementById(opener.dataset.open);
    if (target && target.showModal) {
      event.preventDefault();
      target.showModal();
    }
  } else if (closer) {
    event.preventDefault();
    closer.closest("dialog").close();
  }
});
}
{
// A tap is answered at once: the pressed button turns a wheel and takes no second tap.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  if (event.defaultPrevented || !button || form.method === "dialog" || form.target === "_blank") return;
  if (button.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    return;
  }
  if (button.hasAttribute("data-download")) return;
  button.setAttribute("aria-busy", "true");
});
function calm() {
  for (const button of document.querySelectorAll("button[aria-busy=true]")) button.removeAttribute("aria-busy");
}
addEventListener("pageshow", calm);
document.addEventListener("htmx:finally:request", calm);

// After a refused form the first wrong field gets the focus.
function focusWrong(scope) {
  const wrong = scope.querySelector("[aria-invalid=true]");
  if (wrong) wrong.focus();
}
// While a form is filled in, the answer of its rules must not take the cursor away.
document.addEventListener("htmx:after:swap", (event) => {
  if (!event.target.closest?.(".rule-watch")) focusWrong(document);
});
focusWrong(document);
}
{
// Lists: filters that apply themselves, and one box that ticks all rows.
document.addEventListener("change", (event) => {
  const field = event.target;
  const form = field.form;
  if (form && form.hasAttribute("data-auto") && !field.matches("[type=search]")) form.requestSubmit();
  if (field.matches("[data-select-all]")) {
    for (const box of boxes(field.dataset.selectAll)) box.checked = field.checked;
  }
  if (field.matches("[data-select-all], [type=checkbox]")) showPicked();
});

document.addEventListener("click", (event) => {
  const look = event.target.closest("[data-look]");
  if (!look) return;
  for (const row of document.querySelectorAll(".todo.at")) row.classList.remove("at");
  look.closest(".todo").classList.add("at");
});

function boxes(name) {
  return document.querySelectorAll(`input[type=checkbox][name="${CSS.escape(name)}"]`);
}

function showPicked() {
  for (const all of document.querySelectorAll("[data-select-all]")) {
    const rows = [...boxes(all.dataset.selectAll)];
    const picked = rows.filter((box) => box.checked).length;
    all.checked = rows.length > 0 && picked === rows.length;
    all.indeterminate = picked > 0 && picked < rows.length;
    for (const bar of document.querySelectorAll(`[data-picked="${CSS.escape(all.dataset.selectAll)}"]`)) {
      bar.hidden = picked === 0;
      const count = bar.querySelector("[data-count]");
      if (count) count.textContent = String(picked);
    }
  }
}
document.addEventListener("htmx:after:swap", showPicked);
showPicked();
}
{
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
}
{
// The camera button beside a box: the server reads the photo's codes, the box takes the one that is meant and looks it up.
const LONG_EDGE = 2560;

document.addEventListener("change", async (event) => {
  const input = event.target;
  if (!input.matches("[data-scan-photo]") || !input.files.length) return;
  const button = input.closest("label");
  button.setAttribute("aria-busy", "true");
  await read(input).catch(() => say(document.body.dataset.offline));
  button.removeAttribute("aria-busy");
  input.value = ""; // the next photo is a change again, and none goes along with the form
});

document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-scan-pick]");
  if (choice) fill(choice);
});

async function read(input) {
  const sent = new FormData();
  sent.append("photo", await smaller(input.files[0]).catch(() => input.files[0]), "photo.jpg");
  const token = document.querySelector("meta[name=csrf-token]").content;
  const headers = { "X-CSRF-Token": token, "HX-Request": "true" };
  const answer = await fetch(input.dataset.scanPhoto, { method: "POST", headers, body: sent });
  const elsewhere = answer.headers.get("HX-Redirect");
  if (elsewhere) return location.assign(elsewhere);
  if (!answer.headers.has("X-Request-Id")) throw new Error("not our answer");
  const area = document.querySelector(`[data-scan-area="${CSS.escape(input.dataset.scanBox)}"]`);
  area.innerHTML = await answer.text();
  const only = area.querySelector("[data-scan-text]:not([data-scan-pick])");
  if (only) fill(only);
}

// A phone's photo has 4 to 10 MB; a code is read as well from one.
async function smaller(file) {
  const bitmap = await createImageBitmap(file);
  const scale = LONG_EDGE / Math.max(bitmap.width, bitmap.height);
  if (scale >= 1) return file;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return (await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9))) || file;
}

function fill(choice) {
  const area = choice.closest("[data-scan-area]");
  const form = area.closest("form");
  const box = form.elements[area.dataset.scanArea];
  box.value = choice.dataset.scanText;
  for (const other of area.querySelectorAll("[data-scan-pick]")) other.setAttribute("aria-pressed", String(other === choice));
  if (area.hasAttribute("data-scan-submit")) form.requestSubmit();
  else box.dispatchEvent(new Event("change", { bubbles: true }));
}

function say(text) {
  document.dispatchEvent(new CustomEvent("toast", { detail: { text, kind: "bad" } }));
}
}
{
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
}
{
// Forms with rules: what is typed is checked when a field is left, and the answer is put at its place.
const watched = (element) => element.closest?.("form")?.querySelector(".rule-watch");
const nameOf = (field) => field.id.replace("field-", "").split(".")[0]; // a cell of a row belongs to its field
let waiting;

function touch(event) {
  const field = event.target.closest?.(".field[id]");
  const watch = field && watched(field);
  if (!watch || event.target.name === "reason") return;
  const box = watch.querySelector("[data-touched]");
  const names = new Set(box.value.split(" ").filter(Boolean));
  names.add(nameOf(field));
  box.value = [...names].join(" ");
  clearTimeout(waiting);
  waiting = setTimeout(() => htmx.trigger(watch, "check"), 30);
}
document.addEventListener("change", touch);
document.addEventListener("focusout", (event) => {
  if (event.target.matches?.("input, select, textarea")) touch(event);
});

// What hides, locks and narrows follows from the piece the server drew.
function follow(scope) {
  for (const said of scope.querySelectorAll("[data-said]")) {
    const field = said.closest(".field");
    if (!field) continue;
    const inputs = [...field.querySelectorAll("input, select, textarea")];
    const level = said.dataset.level;
    const old = field.querySelector(":scope > .error");
    if (old && said.closest("form").querySelector("[data-touched]")?.value.split(" ").includes(said.dataset.said)) old.remove();
    for (const input of inputs) {
      if (level === "block") {
        input.setAttribute("aria-invalid", "true");
        input.setAttribute("aria-describedby", said.id);
      } else if (!field.querySelector(":scope > .error")) {
        input.removeAttribute("aria-invalid");
      }
      if (input.matches("input:not([type=checkbox], [type=radio]), textarea")) input.readOnly = "readonly" in said.dataset;
    }
    narrow(inputs, said.dataset.allowed ? JSON.parse(said.dataset.allowed) : null);
  }
}

function narrow(inputs, allowed) {
  for (const input of inputs) {
    const choices = input.matches("select") ? [...input.options] : input.matches("[type=checkbox], [type=radio]") ? [input] : [];
    for (const choice of choices) {
      const out = allowed !== null && choice.value !== "" && !allowed.includes(choice.value);
      choice.disabled = out;
      (choice.matches("option") ? choice : choice.closest("label") || choice).hidden = out;
    }
  }
}
document.addEventListener("htmx:after:swap", () => follow(document));
follow(document);
}
{
// Lists that are put in order by dragging the grip; the buttons beside it do the same without.
document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest("[data-grip]");
  if (!grip) return;
  const list = grip.closest("[data-reorder-list]");
  const held = grip.closest("li");
  const before = [...list.children].indexOf(held);
  event.preventDefault(); // no text is selected on the way
  held.classList.add("held");
  const move = (at) => {
    const over = [...list.children].find((item) => {
      const box = item.getBoundingClientRect();
      return item !== held && at.clientY > box.top && at.clientY < box.bottom;
    });
    if (!over) return;
    const box = over.getBoundingClientRect();
    list.insertBefore(held, at.clientY < box.top + box.height / 2 ? over : over.nextSibling);
  };
  const drop = () => {
    for (const name of ["pointerup", "pointercancel"]) removeEventListener(name, drop);
    removeEventListener("pointermove", move);
    held.classList.remove("held");
    if ([...list.children].indexOf(held) === before) return;
    const form = document.querySelector("[data-reorder]");
    const inputs = form.querySelectorAll("input[name=rule]");
    [...list.children].forEach((item, place) => { inputs[place].value = item.dataset.id; });
    form.requestSubmit();
  };
  // The row moves in the page, which would end a capture of the pointer: so the window listens.
  addEventListener("pointermove", move);
  addEventListener("pointerup", drop);
  addEventListener("pointercancel", drop);
});
}
{
// Names of colleagues while typing: @ in a text box under [data-mention] opens the list of those who may see the case.
// Arrows and Enter, or a tap, choose; Escape closes. Without scripts the name is typed in full and calls as well.
const BOX = "textarea, input[name=note]";
const BEGUN = /(?:^|[^\w.@＠])[@＠]([^\s@＠,,。;;::、!!??()()]{0,20})$/;
const WAIT = 150;
let box = null; // the text box the list belongs to
let panel = null;
let asked = null; // the request under way
let timer = 0;

const told = document.createElement("p");
told.className = "sr";
told.setAttribute("role", "status");
document.body.append(told);

document.addEventListener("input", (event) => {
  if (!event.isComposing) look(event.target);
});
document.addEventListener("compositionend", (event) => look(event.target));
document.addEventListener("focusout", (event) => event.target === box && close());
document.addEventListener("htmx:after:swap", () => box && !box.isConnected && close());

function look(field) {
  clearTimeout(timer);
  const home = field.matches(BOX) && field.closest("[data-mention]");
  const begun = home && BEGUN.exec(field.value.slice(0, field.selectionStart));
  if (!begun) return close();
  timer = setTimeout(() => ask(field, home.dataset.mention, begun[1]), WAIT);
}

async function ask(field, address, name) {
  if (asked) asked.abort();
  asked = new AbortController();
  const url = new URL(address, location.href);
  url.searchParams.set("q", name);
  try {
    const answer = await fetch(url, { signal: asked.signal });
    show(field, answer.ok ? await answer.text() : "");
  } catch {
    close(); // offline, or a later letter asks anew: the name can be typed
  }
}

function show(field, html) {
  close();
  if (!html.trim() || document.activeElement !== field) return;
  panel = document.createElement("div");
  panel.className = "called";
  panel.innerHTML = html;
  const list = panel.firstElementChild;
  list.id = "called";
  field.parentElement.classList.add("calls");
  field.after(panel);
  box = field;
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", list.id);
  told.textContent = list.dataset.told;
  mark(list.firstElementChild);
  list.scrollIntoView({ block: "nearest" });
}

function close() {
  clearTimeout(timer);
  if (!box) return;
  for (const name of ["aria-autocomplete", "aria-controls", "aria-activedescendant"]) box.removeAttribute(name);
  panel.remove();
  told.textContent = "";
  box = panel = null;
}

function mark(option) {
  for (const other of panel.querySelectorAll("[role=option]")) other.setAttribute("aria-selected", String(other === option));
  box.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function choose(option) {
  const field = box;
  const before = field.value.slice(0, field.selectionStart).replace(/[@＠][^@＠]*$/, `@${option.dataset.name} `);
  const after = field.value.slice(field.selectionStart).replace(/^ /, "");
  close();
  field.value = before + after;
  field.setSelectionRange(before.length, before.length);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}

document.addEventListener(
  "keydown",
  (event) => {
    if (!box || event.target !== box || event.isComposing) return;
    const options = [...panel.querySelectorAll("[role=option]")];
    const at = options.findIndex((one) => one.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") mark(options[(at + 1) % options.length]);
    else if (event.key === "ArrowUp") mark(options[(at + options.length - 1) % options.length]);
    else if (event.key === "Enter" || event.key === "Tab") choose(options[at]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);

// The box keeps the caret while the list is pressed.
document.addEventListener("pointerdown", (event) => event.target.closest(".called") && event.preventDefault());
document.addEventListener("mousedown", (event) => event.target.closest(".called") && event.preventDefault());
document.addEventListener("click", (event) => {
  const option = event.target.closest(".called [role=option]");
  if (option) choose(option);
});
}
{
/* A running stopwatch: the server says since when, the page only counts on. */
for (const place of document.querySelectorAll("[data-stopwatch]")) {
  const since = Number(place.dataset.stopwatch) * 1000;
  const two = (number) => String(number).padStart(2, "0");
  setInterval(() => {
    const seconds = Math.max(0, Math.floor((Date.now() - since) / 1000));
    place.textContent = `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  }, 1000);
}
}
