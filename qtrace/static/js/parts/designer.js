// The form designer: fields are dragged where the ↑ ↓ buttons would move them, and properties save themselves.
// A drop fills in the page's hidden form and submits it, so dragging does nothing the buttons can't.
function desk() {
  return document.querySelector("[data-desk]");
}

// The answer to one drop waits while the hand is down on the next thing to drag, and that drop waits for the answer: a
// page changed under the hand would lose what is being dragged, and a form sent before it is renewed would count as a
// double tap.
let underway = 0;
let saving = null; // the properties that wait to be saved
let pending = "";
let pause = 0;
const waiting = []; // drops and buttons, in their order
let held = Promise.resolve();
let letGo = () => {};
let dragging = false;
const drag = { handle: ".grip", animation: 120, delayOnTouchOnly: true, onStart() { dragging = true; } };

function handDown(event) {
  if (!desk() || !event.target.closest("[data-drop] .grip, [data-tools] [data-control]")) return;
  handUp();
  held = new Promise((done) => { letGo = done; });
}

function handUp() {
  dragging = false;
  letGo();
}

addEventListener("pointerdown", handDown, true);
addEventListener("pointerup", handUp);
addEventListener("dragstart", () => { dragging = true; });
addEventListener("dragend", handUp);
// The browser takes the pointer away when it begins to drag, and when a finger turns out to scroll.
addEventListener("pointercancel", () => { if (!dragging) handUp(); });

function drop(url, values) {
  waiting.push(() => {
    const form = document.getElementById("drop");
    for (const name of ["control", "section", "index"]) form.elements[name].value = values[name] ?? "";
    form.action = url;
    form.requestSubmit();
  });
  next();
}

function next() {
  if (underway) return;
  const act = saving || waiting.shift();
  saving = null;
  act?.();
}

// A button pressed while an answer is on its way names the draft as it was: it is pressed again on the page that comes.
document.addEventListener("submit", (event) => {
  const id = event.submitter?.id;
  if (!underway || !id || !desk()?.contains(event.target)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  waiting.push(() => {
    const button = document.getElementById(id);
    if (button && !button.disabled) button.click();
    else next();
  });
}, true);

document.addEventListener("htmx:before:request", (event) => {
  if (!desk()) return;
  underway += 1;
  event.detail.ctx.fetch = async (...sent) => {
    const answer = await fetch(...sent);
    await held;
    return answer;
  };
});
document.addEventListener("htmx:finally:request", () => {
  underway = Math.max(0, underway - 1);
  next();
});

function fieldUrl(id) {
  return `${document.getElementById("drop").dataset.fields}/${encodeURIComponent(id)}/position`;
}

function arm() {
  if (!desk() || !window.Sortable) return;
  for (const list of document.querySelectorAll("[data-drop]")) {
    if (list.dataset.armed) continue;
    list.dataset.armed = "1";
    window.Sortable.create(list, {
      ...drag, group: "fields", draggable: "[data-field]", delay: 120, swapThreshold: "nested" in list.dataset ? 0.6 : 1,
      onAdd(event) {
        const control = event.item.dataset.control;
        if (!control) return;
        const index = [...list.children].slice(0, event.newIndex).filter((other) => other.matches("[data-field]")).length;
        event.item.remove();
        drop(document.getElementById("drop").dataset.fields, { control, section: list.dataset.drop, index });
      },
      onEnd(event) {
        handUp();
        const id = event.item.dataset.field;
        if (!id || (event.from === event.to && event.oldDraggableIndex === event.newDraggableIndex)) return;
        drop(fieldUrl(id), { section: event.to.dataset.drop, index: event.newDraggableIndex });
      },
    });
  }
  for (const list of document.querySelectorAll("[data-tools]")) {
    if (list.dataset.armed) continue;
    list.dataset.armed = "1";
    window.Sortable.create(list, {
      ...drag, handle: null, group: { name: "fields", pull: "clone", put: false }, sort: false, draggable: "[data-control]", delay: 200,
      onEnd: handUp,
    });
  }
}

// Properties are saved when a field is left or a choice is made; typing is never interrupted. Arrow keys pass through many
// choices: only where they stop counts.
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (!form || !form.hasAttribute("data-autosave") || !event.target.name) return;
  if (event.target.matches("[data-builder-refresh]")) return; // brings other inputs first
  clearTimeout(pause);
  const id = form.getAttribute("id"); // an input may be called so
  if (event.target.localName !== "select") return save(id);
  pending = id;
  pause = setTimeout(leave, 250);
});
document.addEventListener("focusout", leave);

function leave() {
  if (pending) save(pending);
}

function save(id) {
  clearTimeout(pause);
  pending = "";
  saving = () => {
    const form = document.getElementById(id);
    if (!form) next();
    else if (form.checkValidity()) form.requestSubmit();
    else form.reportValidity();
  };
  next();
}

// A morph keeps what was typed, also into the panel of another field: there, what the server sent counts.
let panel = "";
function settle() {
  const form = document.querySelector("form[data-autosave]");
  const shown = form ? form.getAttribute("id") : "";
  if (form && panel && shown !== panel) form.reset();
  panel = shown;
}

// Ctrl+Z and Ctrl+Shift+Z or Ctrl+Y, as everywhere; in a text box they are the box's own.
document.addEventListener("keydown", (event) => {
  if (!desk() || !(event.ctrlKey || event.metaKey) || event.altKey || event.isComposing) return;
  if (event.target.closest("textarea, select, [contenteditable], dialog, input:not([type=checkbox], [type=radio])")) return;
  const key = event.key.toLowerCase();
  const id = key === "z" && !event.shiftKey ? "undo" : key === "y" || key === "z" ? "redo" : "";
  if (!id) return;
  event.preventDefault();
  document.getElementById(id).click();
});

// What was pressed may be gone with the answer: then the focus goes where the work goes on.
function follow() {
  if (document.activeElement && document.activeElement !== document.body) return;
  document.querySelector("[data-desk] [data-focus]")?.focus();
}

function prepare() {
  settle();
  arm();
}

// What was opened stays open: the answer knows nothing of it.
let opened = [];
document.addEventListener("htmx:before:swap", () => {
  opened = [...document.querySelectorAll("[data-desk] details[open][id]")].map((fold) => fold.id);
});

document.addEventListener("htmx:after:swap", () => {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  prepare();
  follow();
});
addEventListener("load", prepare);
