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
