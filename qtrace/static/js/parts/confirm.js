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
