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
