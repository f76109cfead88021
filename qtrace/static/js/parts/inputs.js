// Small helps for the inputs of forms: counters, lists level by level, lists that can be searched.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-tally-add]");
  if (!button) return;
  const input = button.closest("[data-tally]").querySelector("input");
  const next = (Number.parseInt(input.value, 10) || 0) + Number(button.dataset.tallyAdd);
  input.value = String(Math.min(Math.max(next, 0), Number(input.dataset.most || Number.MAX_SAFE_INTEGER)));
  navigator.vibrate?.(10);
  tell(input);
});

document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-picklist-find]")) return;
  const wanted = event.target.value.trim().toLowerCase();
  for (const row of event.target.closest("[data-picklist]").querySelectorAll(".choices label")) {
    row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted) && !row.querySelector(":checked");
  }
});

// One scan of a GS1 code fills the boxes of its parts; what was typed into them is replaced.
document.addEventListener("change", async (event) => {
  const group = event.target.closest?.("[data-gs1]");
  if (!group || !event.target.matches("[data-scan]") || !event.target.value.trim()) return;
  const address = `${group.dataset.gs1}?${new URLSearchParams({ text: event.target.value })}`;
  const answer = await fetch(address, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return; // without a network, or where it is no GS1 code, the server says so when the form is sent
  for (const [part, text] of Object.entries(await answer.json())) {
    const box = group.querySelector(`[data-gs1-part="${CSS.escape(part)}"]`);
    if (box) box.value = text;
    if (box) tell(box);
  }
});

function setUp() {
  for (const box of document.querySelectorAll("[data-cascade]:not([data-ready])")) cascade(box);
  for (const box of document.querySelectorAll("[data-region]:not([data-ready])")) region(box);
}

// A list of whole paths becomes one list per level; the first list stays in the form and holds the path.
function cascade(box) {
  box.dataset.ready = "";
  const whole = box.querySelector("select");
  const paths = [...whole.options].filter((option) => option.value)
    .map((option) => ({ values: option.value.split("/"), names: option.text.split(" › ") }));
  const below = (chosen) => {
    const found = new Map();
    for (const { values, names } of paths) {
      if (values.length > chosen.length && chosen.every((value, i) => value === values[i])) {
        found.set(values[chosen.length], names[chosen.length]);
      }
    }
    return found;
  };
  const partial = box.hasAttribute("data-cascade-any");
  levels(box, whole, { below, chosen: whole.value ? whole.value.split("/") : [], join: (path) => path.join("/"), empty: () => box.dataset.cascadeEmpty, partial });
}

let regions;
async function region(box) {
  box.dataset.ready = "";
  const typed = box.querySelector("input");
  regions ??= fetch(box.dataset.region).then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error("no regions"))));
  const names = await regions.catch(() => null);
  if (!names) return; // the box itself understands names
  const codes = Object.keys(names);
  const depth = { province: 2, city: 4, district: 6 }[box.dataset.regionLevel];
  const words = box.dataset.regionWords.split("|");
  const code = box.dataset.regionCode;
  const chosen = [2, 4, 6].filter((length) => length <= code.length).map((length) => code.slice(0, length));
  const below = (path) => {
    const above = path.at(-1) || "";
    if (above.length >= depth) return new Map();
    return new Map(codes.filter((one) => one.length === above.length + 2 && one.startsWith(above)).map((one) => [one, names[one]]));
  };
  levels(box, typed, { below, chosen, join: (path) => path.at(-1) || "", empty: (level) => words[level], partial: true });
}

// One list per level beside the input that is sent; a level with one entry only is taken at once.
function levels(box, sent, { below, chosen, join, empty, partial }) {
  const row = document.createElement("div");
  row.className = "levels";
  const label = document.querySelector(`label[for="${CSS.escape(sent.id)}"]`)?.textContent.trim() || sent.getAttribute("aria-label") || "";
  const required = sent.required;
  const wrong = sent.getAttribute("aria-invalid") === "true";
  sent.hidden = true;
  sent.required = false;
  sent.removeAttribute("aria-invalid");
  draw(chosen);
  box.append(row);

  function draw(path) {
    row.replaceChildren();
    for (let level = 0; ; level += 1) {
      const options = below(path.slice(0, level));
      if (!options.size) break;
      if (options.size === 1 && level > 0 && !path[level]) path = [...path.slice(0, level), [...options.keys()][0]];
      row.append(list(options, path, level));
      if (!path[level]) break;
    }
    const open = below(path).size > 0;
    sent.value = open && !partial ? "" : join(path);
  }

  function list(options, path, level) {
    const select = document.createElement("select");
    select.setAttribute("aria-label", `${label} ${level + 1}`);
    select.required = required;
    if (wrong) select.setAttribute("aria-invalid", "true");
    select.append(new Option(empty(level), ""));
    for (const [value, name] of options) select.append(new Option(name, value, false, value === path[level]));
    select.addEventListener("change", () => {
      draw([...path.slice(0, level), ...(select.value ? [select.value] : [])]);
      row.children[Math.min(level, row.children.length - 1)].focus();
      tell(sent);
    });
    return select;
  }
}

function tell(input) {
  for (const name of ["input", "change"]) input.dispatchEvent(new Event(name, { bubbles: true }));
}

document.addEventListener("htmx:after:swap", setUp);
document.addEventListener("rows:added", setUp);
setUp();
