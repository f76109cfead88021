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
