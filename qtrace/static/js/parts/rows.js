// Rows of a form: added and dropped without a trip to the server, with their sum, and marks tapped on a picture.
document.addEventListener("click", (event) => {
  const add = event.target.closest("[data-rows-add]");
  const drop = event.target.closest("[data-rows-drop]");
  if (add) addRow(add.closest("[data-rows]"))?.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  if (drop) dropRow(drop);
});

document.addEventListener("input", (event) => {
  const set = event.target.closest?.("[data-rows]");
  if (set) refresh(set);
});

function addRow(set) {
  const list = set.querySelector("[data-rows-list]");
  if (list.children.length >= Number(set.dataset.rowsMost)) return null;
  const next = Math.max(-1, ...[...list.children].map((row) => Number(row.dataset.row))) + 1;
  const holder = document.createElement("div");
  holder.innerHTML = set.querySelector("template[data-rows-blank]").innerHTML.replaceAll("__i__", String(next));
  const row = holder.firstElementChild;
  list.append(row);
  row.querySelector("[data-rows-drop]").type = "button";
  document.dispatchEvent(new CustomEvent("rows:added"));
  if (window.htmx) htmx.process(row);
  refresh(set);
  return row;
}

function dropRow(button) {
  const set = button.closest("[data-rows]");
  const row = button.closest("[data-row]");
  const beside = row.nextElementSibling || row.previousElementSibling;
  row.remove();
  if (!beside) addRow(set);
  (beside?.querySelector("[data-rows-drop]") || set.querySelector("[data-rows-add]")).focus();
  refresh(set);
  set.dispatchEvent(new Event("change", { bubbles: true }));
}

// Numbers the rows and works out the sum and the marks anew.
function refresh(set) {
  const rows = [...set.querySelectorAll("[data-row]")].filter((row) => !row.closest("template"));
  rows.forEach((row, place) => {
    row.querySelector("[data-row-no]").textContent = place + 1;
  });
  set.querySelector("[data-rows-add]").disabled = rows.length >= Number(set.dataset.rowsMost);
  total(set, rows);
  marks(set, rows);
}

function total(set, rows) {
  const shown = set.querySelector("[data-rows-sum]");
  if (!shown) return;
  const texts = rows.map((row) => row.querySelector(`[name$=".${shown.dataset.rowsSum}"]`)?.value.replaceAll(",", "") || "0");
  const digits = Math.max(...texts.map((text) => (text.split(".")[1] || "").length), 0);
  const scale = 10 ** digits; // whole numbers only, so that 0.1 + 0.2 is 0.3
  const sum = texts.reduce((all, text) => all + Math.round((Number(text) || 0) * scale), 0) / scale;
  const goal = shown.dataset.rowsSumGoal;
  shown.textContent = `${shown.dataset.rowsSumText} ${sum.toFixed(digits)}${goal ? ` / ${goal}` : ""}`;
  shown.classList.toggle("bad", Boolean(goal) && sum !== Number(goal) && sum !== 0);
}

document.addEventListener("pointerup", (event) => {
  const map = event.target.closest?.("[data-map]");
  if (!map || event.target.closest("figcaption")) return;
  const box = map.querySelector("svg").getBoundingClientRect();
  const place = (from, size) => Math.min(1000, Math.max(0, Math.round((from / size) * 1000)));
  const x = place(event.clientX - box.left, box.width);
  const y = place(event.clientY - box.top, box.height);
  const set = map.closest("[data-rows]");
  const free = [...set.querySelectorAll("[data-row]")].find((row) => !at(row) && !row.querySelector('[name$=".zone"]').value);
  const row = free || addRow(set);
  if (!row) return;
  row.querySelector('[data-cell="x"]').value = x;
  row.querySelector('[data-cell="y"]').value = y;
  row.querySelector('[name$=".zone"]').value = zoneOf(x, y);
  refresh(set);
  row.querySelector('[name$=".code"]').focus({ preventScroll: false });
});

// A zone chosen from the list takes the place of what was tapped elsewhere.
document.addEventListener("change", (event) => {
  const row = event.target.matches?.('[name$=".zone"]') && event.target.closest("[data-row]");
  if (!row || !row.closest("[data-rows]").querySelector("[data-map]")) return;
  const tapped = at(row);
  if (tapped && zoneOf(...tapped) !== event.target.value) {
    for (const part of row.querySelectorAll("[data-cell]")) part.value = "";
  }
  refresh(row.closest("[data-rows]"));
});

function at(row) {
  const [x, y] = ["x", "y"].map((part) => row.querySelector(`[data-cell="${part}"]`)?.value);
  return x && y ? [Number(x), Number(y)] : null;
}

function zoneOf(x, y) {
  const third = (n) => Math.min(Math.floor((n * 3) / 1000), 2);
  return String(third(y) * 3 + third(x) + 1);
}

function marks(set, rows) {
  const layer = set.querySelector("[data-map-marks]");
  if (!layer) return;
  layer.replaceChildren();
  rows.forEach((row, place) => {
    const zone = Number(row.querySelector('[name$=".zone"]').value) - 1;
    const found = at(row) || (zone >= 0 ? [((zone % 3) * 2 + 1) * (1000 / 6), (Math.floor(zone / 3) * 2 + 1) * (1000 / 6)] : null);
    if (found) layer.append(mark(place + 1, ...found));
  });
}

function mark(place, x, y) {
  const made = (name, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const group = made("g", { class: "mark", transform: `translate(${x},${y})` });
  const text = made("text", { dy: "18" });
  text.textContent = place;
  group.append(made("circle", { r: "46" }), text);
  return group;
}

function setUp() {
  for (const set of document.querySelectorAll("[data-rows]:not([data-ready])")) {
    set.dataset.ready = "";
    for (const button of set.querySelectorAll("[data-rows-add], [data-rows-drop]")) button.type = "button";
    refresh(set);
  }
}

document.addEventListener("htmx:after:swap", setUp);
setUp();
