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
