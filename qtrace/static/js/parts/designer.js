// The form designer: fields are dragged where the ↑ ↓ buttons would move them, and properties save themselves.
// A drop fills in the page's hidden form and submits it, so dragging does nothing the buttons can't.
function desk() {
  return document.querySelector("[data-desk]");
}

function drop(url, values) {
  const form = document.getElementById("drop");
  for (const name of ["control", "section", "index"]) form.elements[name].value = values[name] ?? "";
  form.action = url;
  form.requestSubmit();
}

function fieldUrl(id) {
  return `${document.getElementById("drop").dataset.fields}/${encodeURIComponent(id)}/position`;
}

function arm() {
  if (!desk() || !window.Sortable) return;
  for (const list of document.querySelectorAll("[data-drop]")) {
    if (list.dataset.armed) continue;
    list.dataset.armed = "1";
    window.Sortable.create(list, {
      group: "fields", handle: ".grip", draggable: "[data-field]", animation: 120, delayOnTouchOnly: true, delay: 120,
      onAdd(event) {
        const control = event.item.dataset.control;
        if (!control) return;
        event.item.remove();
        drop(document.getElementById("drop").dataset.fields, { control, section: list.dataset.drop, index: event.newDraggableIndex });
      },
      onEnd(event) {
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
      group: { name: "fields", pull: "clone", put: false }, sort: false, draggable: "[data-control]", delayOnTouchOnly: true, delay: 200,
    });
  }
}

// Properties are saved when a field is left or a choice is made; typing is never interrupted.
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (!form || !form.hasAttribute("data-autosave") || !event.target.name) return;
  if (form.checkValidity()) form.requestSubmit();
  else form.reportValidity();
});

// A morph keeps what was typed, also into the panel of another field: there, what the server sent counts.
let panel = "";
function settle() {
  const form = document.querySelector("form[data-autosave]");
  const shown = form ? form.id : "";
  if (form && panel && shown !== panel) form.reset();
  panel = shown;
}

function prepare() {
  settle();
  arm();
}

document.addEventListener("htmx:after:swap", prepare);
addEventListener("load", prepare);
