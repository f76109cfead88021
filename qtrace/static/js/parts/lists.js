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
