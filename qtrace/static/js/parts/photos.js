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
