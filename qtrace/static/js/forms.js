"use strict";
if (!window.qtraceForms) {
window.qtraceForms = true;
{
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
}
{
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
}
{
// An editor over a text area: what is written goes back into the area, and the server cleans it.
const BLOCKS = { h3: "h3" };

function setUp() {
  for (const box of document.querySelectorAll("[data-rich]:not([data-ready])")) editor(box);
}

function editor(box) {
  box.dataset.ready = "";
  const area = box.querySelector("textarea");
  const page = document.createElement("div");
  const label = document.querySelector(`label[for="${CSS.escape(area.id)}"]`);
  page.id = `${area.id}-rich`;
  page.className = "rich-area prose rich";
  page.contentEditable = "true";
  page.setAttribute("role", "textbox");
  page.setAttribute("aria-multiline", "true");
  page.setAttribute("aria-label", label ? label.textContent.trim() : "");
  for (const name of ["aria-invalid", "aria-describedby"]) {
    if (area.hasAttribute(name)) page.setAttribute(name, area.getAttribute(name));
    area.removeAttribute(name);
  }
  page.innerHTML = area.dataset.richHtml; // the server cleaned it
  area.hidden = true;
  area.required = false; // a hidden box can't show what it lacks; the server says it
  area.after(page);
  document.execCommand("defaultParagraphSeparator", false, "p");
  label?.addEventListener("click", () => page.focus());
  page.addEventListener("input", keep);
  page.addEventListener("paste", (event) => {
    event.preventDefault();
    document.execCommand("insertText", false, event.clipboardData.getData("text/plain"));
  });
  box.addEventListener("mousedown", (event) => event.target.closest("[data-rich-do]") && event.preventDefault());
  box.addEventListener("click", (event) => {
    const button = event.target.closest("[data-rich-do]");
    if (button) act(button);
  });
  document.addEventListener("selectionchange", () => page.contains(document.getSelection().anchorNode) && showPressed());

  function act(button) {
    const name = button.dataset.richDo;
    page.focus();
    if (name in BLOCKS) document.execCommand("formatBlock", false, document.queryCommandValue("formatBlock") === name ? "p" : name);
    else if (name === "link") link(button);
    else document.execCommand(name, false);
    keep();
    showPressed();
  }

  function link(button) {
    const address = window.prompt(button.dataset.richAsk, "https://");
    if (!address || address === "https://") return;
    if (document.getSelection().isCollapsed) document.execCommand("insertText", false, address);
    if (document.getSelection().isCollapsed) document.getSelection().modify("extend", "backward", "line");
    document.execCommand("createLink", false, address);
  }

  function keep() {
    area.value = page.textContent.trim() ? page.innerHTML : "";
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function showPressed() {
    for (const button of box.querySelectorAll("[aria-pressed]")) {
      const name = button.dataset.richDo;
      const pressed = name in BLOCKS ? document.queryCommandValue("formatBlock") === name : document.queryCommandState(name);
      button.setAttribute("aria-pressed", String(pressed));
    }
  }
}

document.addEventListener("htmx:after:swap", setUp);
document.addEventListener("rows:added", setUp);
setUp();
}
{
// Photos of a form: made small on the device (which drops where they were taken), shown, dropped again, drawn on.
const LONG_EDGE = 1920;
const QUALITY = 0.85;
const held = new WeakMap(); // input -> [{file, marked}]

document.addEventListener("change", async (event) => {
  const input = event.target;
  const list = input.closest?.("[data-photos]");
  if (!list || input.type !== "file") return;
  const added = await Promise.all([...input.files].map((file) => smaller(file).catch(() => file)));
  const photos = [...(held.get(input) || []), ...added.map((file) => ({ file, marked: null }))];
  const most = Number(list.dataset.most || photos.length) / (list.hasAttribute("data-markup") ? 2 : 1);
  keep(input, photos.slice(0, most - list.querySelectorAll("input[type=checkbox]:checked").length));
});

document.addEventListener("click", (event) => {
  const drop = event.target.closest("[data-photo-drop]");
  const open = event.target.closest("[data-photo-open]");
  const button = drop || open;
  if (!button) return;
  const list = button.closest("[data-photos]");
  const input = list.querySelector("input[type=file]");
  const photos = held.get(input);
  const index = [...list.querySelectorAll("[data-photo]")].indexOf(button.closest("[data-photo]"));
  if (drop) keep(input, photos.filter((_photo, i) => i !== index));
  else if (list.hasAttribute("data-markup")) markUp(list, photos[index], () => keep(input, photos));
});

function keep(input, photos) {
  held.set(input, photos);
  const carried = new DataTransfer();
  for (const { file, marked } of photos) {
    carried.items.add(file);
    if (marked) carried.items.add(marked);
  }
  input.files = carried.files;
  const list = input.closest("[data-photos]");
  for (const old of list.querySelectorAll("[data-photo]")) {
    URL.revokeObjectURL(old.querySelector("img").src);
    old.remove();
  }
  for (const photo of photos) input.closest("li").before(thumb(list, photo));
}

function thumb(list, { file, marked }) {
  const item = document.createElement("li");
  item.dataset.photo = "";
  const picture = new Image();
  picture.src = URL.createObjectURL(marked || file);
  picture.alt = file.name;
  const drop = document.createElement("button");
  drop.type = "button";
  drop.className = "drop";
  drop.dataset.photoDrop = "";
  drop.setAttribute("aria-label", `${list.dataset.wordDrop} ${file.name}`);
  if (list.hasAttribute("data-markup")) {
    const open = document.createElement("button");
    open.type = "button";
    open.className = "open";
    open.dataset.photoOpen = "";
    open.setAttribute("aria-label", `${list.dataset.wordDraw} ${file.name}`);
    open.append(picture);
    item.append(open, drop);
  } else item.append(picture, drop);
  return item;
}

async function smaller(file) {
  if (!file.type.startsWith("image/")) return file;
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, LONG_EDGE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return asFile(canvas, `${stem(file.name)}.jpg`);
}

async function asFile(canvas, name) {
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
  if (!blob) throw new Error("the picture could not be written");
  return new File([blob], name, { type: "image/jpeg" });
}

function stem(name) {
  return name.replace(/\.[^.]*$/, "") || "photo";
}

async function markUp(list, photo, done) {
  if (document.querySelector("dialog.markup")) return; // the second tap of a double tap
  const dialog = list.parentElement.querySelector("template[data-markup-dialog]").content.firstElementChild.cloneNode(true);
  document.body.append(dialog);
  const canvas = dialog.querySelector("canvas");
  const bitmap = await createImageBitmap(photo.file);
  const shapes = [];
  let tool = "arrow";
  let current = null;
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  const pen = canvas.getContext("2d");
  const thick = Math.max(3, Math.round(Math.max(canvas.width, canvas.height) / 160));
  dialog.showModal();
  paint();

  function at(event) {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  }

  canvas.addEventListener("pointerdown", (event) => {
    const [x, y] = at(event);
    if (tool === "text") {
      const text = window.prompt(dialog.querySelector("[data-draw=text]").dataset.ask, "");
      if (text) shapes.push({ tool, x, y, text: text.slice(0, 40) });
      paint();
      return;
    }
    canvas.setPointerCapture(event.pointerId);
    current = { tool, x, y, toX: x, toY: y };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!current) return;
    [current.toX, current.toY] = at(event);
    paint();
  });
  canvas.addEventListener("pointerup", () => {
    if (current && Math.hypot(current.toX - current.x, current.toY - current.y) > thick * 3) shapes.push(current);
    current = null;
    paint();
  });
  dialog.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.draw) {
      tool = button.dataset.draw;
      for (const other of dialog.querySelectorAll("[data-draw]")) other.setAttribute("aria-pressed", String(other === button));
    } else if (button.hasAttribute("data-draw-undo")) {
      shapes.pop();
      paint();
    } else if (button.hasAttribute("data-draw-cancel")) {
      dialog.close();
    } else {
      photo.marked = shapes.length ? await asFile(canvas, `${stem(photo.file.name)}-marked.jpg`) : null;
      done();
      dialog.close();
    }
  });
  dialog.addEventListener("close", () => dialog.remove());

  function paint() {
    pen.drawImage(bitmap, 0, 0);
    for (const shape of current ? [...shapes, current] : shapes) {
      // A white edge keeps the red readable on a red bottle.
      for (const [colour, width] of [["#fff", thick * 2], ["#d3213f", thick]]) stroke(shape, colour, width);
    }
  }

  function stroke({ tool: kind, x, y, toX, toY, text }, colour, width) {
    Object.assign(pen, { strokeStyle: colour, fillStyle: colour, lineWidth: width, lineCap: "round", lineJoin: "round" });
    pen.beginPath();
    if (kind === "box") pen.strokeRect(Math.min(x, toX), Math.min(y, toY), Math.abs(toX - x), Math.abs(toY - y));
    if (kind === "arrow") {
      const angle = Math.atan2(toY - y, toX - x);
      pen.moveTo(x, y);
      pen.lineTo(toX, toY);
      for (const turn of [2.6, -2.6]) {
        pen.moveTo(toX, toY);
        pen.lineTo(toX + thick * 6 * Math.cos(angle + turn), toY + thick * 6 * Math.sin(angle + turn));
      }
      pen.stroke();
    }
    if (kind === "text") {
      pen.font = `600 ${thick * 8}px ${getComputedStyle(document.body).fontFamily}`;
      if (colour === "#fff") pen.strokeText(text, x, y);
      else pen.fillText(text, x, y);
    }
  }
}
}
{
// A pad to sign on; its picture becomes the file of the input below it.
function setUp() {
  for (const pad of document.querySelectorAll("[data-sign]:not([data-ready])")) sign(pad);
}

function sign(pad) {
  pad.dataset.ready = "";
  const canvas = pad.querySelector("canvas");
  const input = pad.querySelector("input[type=file]");
  const pen = canvas.getContext("2d");
  let drawing = false;
  clear();

  canvas.addEventListener("pointerdown", (event) => {
    if (canvas.width !== wide()) clear(); // it was hidden or has been turned
    drawing = true;
    pad.classList.add("signed");
    canvas.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...at(event));
    pen.lineTo(...at(event));
    pen.stroke();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    for (const part of event.getCoalescedEvents?.() || [event]) pen.lineTo(...at(part));
    pen.stroke();
  });
  input.addEventListener("change", async (event) => {
    if (!event.isTrusted || !input.files.length) return;
    const picture = await createImageBitmap(input.files[0]).catch(() => null);
    if (!picture) return;
    clear();
    const scale = Math.min(canvas.width / picture.width, canvas.height / picture.height);
    pen.drawImage(picture, 0, 0, picture.width * scale, picture.height * scale);
    pad.classList.add("signed");
  });
  canvas.addEventListener("pointerup", () => {
    drawing = false;
    // At once, not when the browser finds time: the next tap may be the one that submits.
    const bytes = Uint8Array.from(atob(canvas.toDataURL("image/png").split(",")[1]), (char) => char.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], pad.dataset.signName, { type: "image/png" }));
    input.files = carried.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  pad.querySelector("[data-sign-clear]").addEventListener("click", () => {
    clear();
    input.value = "";
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });

  function wide() {
    return Math.round(canvas.clientWidth * devicePixelRatio) || 300;
  }

  function clear() {
    canvas.width = wide();
    canvas.height = Math.round(160 * devicePixelRatio);
    Object.assign(pen, { lineWidth: 2.5 * devicePixelRatio, lineCap: "round", lineJoin: "round", strokeStyle: "#111" });
    pad.classList.remove("signed");
  }

  function at(event) {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  }
}

document.addEventListener("htmx:after:swap", setUp);
document.addEventListener("rows:added", setUp);
setUp();
}
{
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
}
{
// What is being filled in is kept on the server while it is typed, so that no phone loses it.
const PAUSE = 2000;
const waiting = new WeakMap();

function keep(form) {
  const sent = new FormData();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") sent.append(name, value);
  sent.delete("submit_id");
  sent.set("last_field", form.dataset.lastField || "");
  const token = document.querySelector("meta[name=csrf-token]").content;
  return fetch(form.dataset.serverDraft, { method: "POST", body: sent, headers: { "X-CSRF-Token": token }, keepalive: true });
}

function touched(event) {
  const form = event.target.form;
  if (!form || !form.dataset.serverDraft || !event.isTrusted) return;
  const field = event.target.closest("[id^=field-]");
  if (field) form.dataset.lastField = field.id.slice("field-".length);
  clearTimeout(waiting.get(form));
  // a failed try is made up for by the next: what is typed stays on the page
  waiting.set(form, setTimeout(() => keep(form).catch(() => null), PAUSE));
}

document.addEventListener("input", touched);
document.addEventListener("change", touched);
document.addEventListener("submit", (event) => clearTimeout(waiting.get(event.target)));
}
{
// One tap puts an opinion that is used often into the box, behind what is there.
document.addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-opinion]");
  if (!chosen) return;
  const box = document.getElementById(chosen.closest("[data-opinions]").dataset.opinions);
  box.value = box.value.trim() ? `${box.value.trim()} ${chosen.dataset.opinion}` : chosen.dataset.opinion;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.focus();
});
}
}
