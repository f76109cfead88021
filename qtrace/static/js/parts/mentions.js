// Names of colleagues while typing: @ in a text box under [data-mention] opens the list of those who may see the case.
// Arrows and Enter, or a tap, choose; Escape closes. Without scripts the name is typed in full and calls as well.
const BOX = "textarea, input[name=note]";
const BEGUN = /(?:^|[^\w.@＠])[@＠]([^\s@＠,,。;;::、!!??()()]{0,20})$/;
const WAIT = 150;
let box = null; // the text box the list belongs to
let panel = null;
let asked = null; // the request under way
let timer = 0;

const told = document.createElement("p");
told.className = "sr";
told.setAttribute("role", "status");
document.body.append(told);

document.addEventListener("input", (event) => {
  if (!event.isComposing) look(event.target);
});
document.addEventListener("compositionend", (event) => look(event.target));
document.addEventListener("focusout", (event) => event.target === box && close());
document.addEventListener("htmx:after:swap", () => box && !box.isConnected && close());

function look(field) {
  clearTimeout(timer);
  const home = field.matches(BOX) && field.closest("[data-mention]");
  const begun = home && BEGUN.exec(field.value.slice(0, field.selectionStart));
  if (!begun) return close();
  timer = setTimeout(() => ask(field, home.dataset.mention, begun[1]), WAIT);
}

async function ask(field, address, name) {
  if (asked) asked.abort();
  asked = new AbortController();
  const url = new URL(address, location.href);
  url.searchParams.set("q", name);
  try {
    const answer = await fetch(url, { signal: asked.signal });
    show(field, answer.ok ? await answer.text() : "");
  } catch {
    close(); // offline, or a later letter asks anew: the name can be typed
  }
}

function show(field, html) {
  close();
  if (!html.trim() || document.activeElement !== field) return;
  panel = document.createElement("div");
  panel.className = "called";
  panel.innerHTML = html;
  const list = panel.firstElementChild;
  list.id = "called";
  field.parentElement.classList.add("calls");
  field.after(panel);
  box = field;
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", list.id);
  told.textContent = list.dataset.told;
  mark(list.firstElementChild);
  list.scrollIntoView({ block: "nearest" });
}

function close() {
  clearTimeout(timer);
  if (!box) return;
  for (const name of ["aria-autocomplete", "aria-controls", "aria-activedescendant"]) box.removeAttribute(name);
  panel.remove();
  told.textContent = "";
  box = panel = null;
}

function mark(option) {
  for (const other of panel.querySelectorAll("[role=option]")) other.setAttribute("aria-selected", String(other === option));
  box.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function choose(option) {
  const field = box;
  const before = field.value.slice(0, field.selectionStart).replace(/[@＠][^@＠]*$/, `@${option.dataset.name} `);
  const after = field.value.slice(field.selectionStart).replace(/^ /, "");
  close();
  field.value = before + after;
  field.setSelectionRange(before.length, before.length);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}

document.addEventListener(
  "keydown",
  (event) => {
    if (!box || event.target !== box || event.isComposing) return;
    const options = [...panel.querySelectorAll("[role=option]")];
    const at = options.findIndex((one) => one.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") mark(options[(at + 1) % options.length]);
    else if (event.key === "ArrowUp") mark(options[(at + options.length - 1) % options.length]);
    else if (event.key === "Enter" || event.key === "Tab") choose(options[at]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);

// The box keeps the caret while the list is pressed.
document.addEventListener("pointerdown", (event) => event.target.closest(".called") && event.preventDefault());
document.addEventListener("mousedown", (event) => event.target.closest(".called") && event.preventDefault());
document.addEventListener("click", (event) => {
  const option = event.target.closest(".called [role=option]");
  if (option) choose(option);
});
