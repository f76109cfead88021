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
