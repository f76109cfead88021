// Terms of a taxonomy are dragged among their siblings; a drop fills in the page's form, which the ↑ ↓ buttons do without.
addEventListener("load", () => {
  const rows = document.querySelector("[data-order]");
  const form = document.getElementById("tree-order");
  if (!rows || !form || !window.Sortable) return;
  const group = (row) => row.dataset.orderGroup;
  window.Sortable.create(rows, {
    handle: ".grip", draggable: "[data-order-url]", animation: 120, delayOnTouchOnly: true, delay: 120,
    onMove: (event) => group(event.related) === group(event.dragged),
    onEnd(event) {
      if (event.oldIndex === event.newIndex) return;
      let before = event.item.previousElementSibling;
      while (before && group(before) !== group(event.item)) before = before.previousElementSibling;
      form.elements.after.value = before ? before.id.replace("term-", "") : "";
      form.elements.parent_id.value = group(event.item);
      form.action = event.item.dataset.orderUrl;
      form.requestSubmit();
    },
  });
});
