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

// Pages of a form: on a phone one is shown at a time, with its number; on a wide screen all stand below one another.
const narrow = matchMedia("(max-width: 699px)");

function pagesOf(form) {
  const pages = [[]];
  for (const child of form.children) {
    if (child.matches("[data-page-break]")) pages.push([]);
    if (child.matches("[data-page-break], .part, .tabs")) pages.at(-1).push(child);
  }
  return pages;
}

function buildPages(form) {
  const first = form.querySelector(":scope > [data-page-break]");
  if (!first) return;
  const bar = document.createElement("nav");
  bar.className = "pages";
  bar.setAttribute("aria-label", first.dataset.steps);
  bar.innerHTML = '<button type="button" class="btn"></button><span role="status"></span><button type="button" class="btn pri"></button>';
  const [back, , next] = bar.children;
  back.textContent = first.dataset.back;
  next.textContent = first.dataset.next;
  [...form.children].findLast((child) => child.matches(".part")).after(bar);
  form.pages = { at: 0, bar };
  back.addEventListener("click", () => turn(form, form.pages.at - 1));
  next.addEventListener("click", () => turn(form, form.pages.at + 1));
  narrow.addEventListener("change", () => turn(form, form.pages.at, false));
  turn(form, 0, false);
}

function turn(form, to, move = true) {
  const pages = pagesOf(form);
  const { bar } = form.pages;
  form.pages.at = to;
  pages.forEach((page, at) => {
    for (const child of page) child.classList.toggle("other-page", narrow.matches && at !== to);
  });
  form.classList.toggle("unfinished", narrow.matches && to < pages.length - 1);
  bar.hidden = !narrow.matches;
  bar.children[0].disabled = to === 0;
  bar.children[1].textContent = `${to + 1} / ${pages.length}`;
  bar.children[2].hidden = to === pages.length - 1;
  if (move && pages[to][0]) pages[to][0].scrollIntoView({ block: "start" });
}

// What is wrong, or can't be sent, must never wait behind a closed tab, on another page or in a fold.
function reveal(field) {
  const part = field.closest("[data-tab][hidden]");
  if (part) document.getElementById(`${part.id}-tab`).click();
  const fold = field.closest("details:not([open])");
  if (fold) fold.open = true;
  const form = field.closest("[data-paged]");
  if (!form || !form.pages) return;
  const page = pagesOf(form).findIndex((parts) => parts.some((child) => child.contains(field)));
  if (page >= 0 && page !== form.pages.at) turn(form, page);
}

document.addEventListener("invalid", (event) => reveal(event.target), true);
function enhance() {
  for (const form of document.querySelectorAll("[data-paged]:not([data-built])")) {
    form.dataset.built = "1";
    buildTabs(form);
    buildPages(form);
    const wrong = form.querySelector("[aria-invalid=true]");
    if (wrong) reveal(wrong);
  }
}
document.addEventListener("htmx:after:swap", enhance);
enhance();
