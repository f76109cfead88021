// A long form on a phone: neighbouring tabs become a row of tabs, pages become steps. Without scripts all stands in one column.


function labelOf(part) {
  return part.dataset.tab || part.dataset.page;
}

function buildTabs(form) {
  const tabs = [...form.querySelectorAll("[data-tab]")];
  for (const first of tabs) {
    if (first.previousElementSibling && first.previousElementSibling.matches("[data-tab]")) continue;
    const group = [first];
    while (group.at(-1).nextElementSibling && group.at(-1).nextElementSibling.matches("[data-tab]")) group.push(group.at(-1).nextElementSibling);
    if (group.length < 2) continue;
    const bar = document.createElement("div");
    bar.className = "tabs";
    bar.setAttribute("role", "tablist");
    group.forEach((part, index) => bar.append(tabButton(bar, part, group, index)));
    first.before(bar);
    bar.children[0].click();
  }
}

function tabButton(bar, part, group, index) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("role", "tab");
  button.textContent = labelOf(part);
  button.id = `${part.id}-tab`;
  button.setAttribute("aria-controls", part.id);
  part.setAttribute("role", "tabpanel");
  part.setAttribute("aria-labelledby", button.id);
  button.addEventListener("click", () => {
    group.forEach((other, at) => {
      other.hidden = at !== index;
      bar.children[at].setAttribute("aria-selected", String(at === index));
      bar.children[at].tabIndex = at === index ? 0 : -1;
    });
  });
  button.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = bar.children[(index + step + group.length) % group.length];
    next.click();
    next.focus();
  });
  return button;
}

// What is wrong, or can't be sent, must never wait behind a closed tab.
function reveal(field) {
  const part = field.closest("[data-tab][hidden]");
  if (part) document.getElementById(`${part.id}-tab`).click();
  const fold = field.closest("details:not([open])");
  if (fold) fold.open = true;
}

document.addEventListener("invalid", (event) => reveal(event.target), true);
function enhance() {
  for (const form of document.querySelectorAll("[data-paged]:not([data-built])")) {
    form.dataset.built = "1";
    buildTabs(form);
    const wrong = form.querySelector("[aria-invalid=true]");
    if (wrong) reveal(wrong);
  }
}
document.addEventListener("htmx:after:swap", enhance);
enhance();
