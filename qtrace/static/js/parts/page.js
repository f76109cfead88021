// Marks that scripts run, and closes menus when they are left.
const root = document.documentElement;
root.classList.add("js");
root.classList.toggle("offline", !navigator.onLine);
addEventListener("online", () => root.classList.remove("offline"));
addEventListener("offline", () => root.classList.add("offline"));

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open], details.filter[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open], details.filter[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (location.hash === "#menu") {
    location.hash = "";
  }
});
