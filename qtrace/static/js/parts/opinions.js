// One tap puts an opinion that is used often into the box, behind what is there.
document.addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-opinion]");
  if (!chosen) return;
  const box = document.getElementById(chosen.closest("[data-opinions]").dataset.opinions);
  box.value = box.value.trim() ? `${box.value.trim()} ${chosen.dataset.opinion}` : chosen.dataset.opinion;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.focus();
});
