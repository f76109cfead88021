/* A running stopwatch: the server says since when, the page only counts on. */
for (const place of document.querySelectorAll("[data-stopwatch]")) {
  const since = Number(place.dataset.stopwatch) * 1000;
  const two = (number) => String(number).padStart(2, "0");
  setInterval(() => {
    const seconds = Math.max(0, Math.floor((Date.now() - since) / 1000));
    place.textContent = `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  }, 1000);
}
