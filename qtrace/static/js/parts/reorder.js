// Lists that are put in order by dragging the grip; the buttons beside it do the same without.
document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest("[data-grip]");
  if (!grip) return;
  const list = grip.closest("[data-reorder-list]");
  const held = grip.closest("li");
  const before = [...list.children].indexOf(held);
  grip.setPointerCapture(event.pointerId);
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
    grip.removeEventListener("pointermove", move);
    held.classList.remove("held");
    if ([...list.children].indexOf(held) === before) return;
    const form = document.querySelector("[data-reorder]");
    const inputs = form.querySelectorAll("input[name=rule]");
    [...list.children].forEach((item, place) => { inputs[place].value = item.dataset.id; });
    form.requestSubmit();
  };
  grip.addEventListener("pointermove", move);
  grip.addEventListener("pointerup", drop, { once: true });
  grip.addEventListener("pointercancel", drop, { once: true });
});
