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
  canvas.addEventListener("pointerup", async () => {
    drawing = false;
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    const carried = new DataTransfer();
    carried.items.add(new File([blob], pad.dataset.signName, { type: "image/png" }));
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
