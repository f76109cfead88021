// The camera button beside a box: the server reads the photo's codes, the box takes the one that is meant and looks it up.
const LONG_EDGE = 2560;

document.addEventListener("change", async (event) => {
  const input = event.target;
  if (!input.matches("[data-scan-photo]") || !input.files.length) return;
  const button = input.closest("label");
  button.setAttribute("aria-busy", "true");
  await read(input).catch(() => say(document.body.dataset.offline));
  button.removeAttribute("aria-busy");
  input.value = ""; // the next photo is a change again, and none goes along with the form
});

document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-scan-pick]");
  if (choice) fill(choice);
});

async function read(input) {
  const sent = new FormData();
  sent.append("photo", await smaller(input.files[0]).catch(() => input.files[0]), "photo.jpg");
  const token = document.querySelector("meta[name=csrf-token]").content;
  const headers = { "X-CSRF-Token": token, "HX-Request": "true" };
  const answer = await fetch(input.dataset.scanPhoto, { method: "POST", headers, body: sent });
  const elsewhere = answer.headers.get("HX-Redirect");
  if (elsewhere) return location.assign(elsewhere);
  if (!answer.headers.has("X-Request-Id")) throw new Error("not our answer");
  const area = document.querySelector(`[data-scan-area="${CSS.escape(input.dataset.scanBox)}"]`);
  area.innerHTML = await answer.text();
  const only = area.querySelector("[data-scan-text]:not([data-scan-pick])");
  if (only) fill(only);
}

// A phone's photo has 4 to 10 MB; a code is read as well from one.
async function smaller(file) {
  const bitmap = await createImageBitmap(file);
  const scale = LONG_EDGE / Math.max(bitmap.width, bitmap.height);
  if (scale >= 1) return file;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return (await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9))) || file;
}

function fill(choice) {
  const area = choice.closest("[data-scan-area]");
  const form = area.closest("form");
  const box = form.elements[area.dataset.scanArea];
  box.value = choice.dataset.scanText;
  for (const other of area.querySelectorAll("[data-scan-pick]")) other.setAttribute("aria-pressed", String(other === choice));
  if (area.hasAttribute("data-scan-submit")) form.requestSubmit();
  else box.dispatchEvent(new Event("change", { bubbles: true }));
}

function say(text) {
  document.dispatchEvent(new CustomEvent("toast", { detail: { text, kind: "bad" } }));
}
