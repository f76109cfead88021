// Draws <div class="chart"><canvas></canvas><script type="application/json" data-chart>…</script></div>.
// The data: {type: "bar" | "line" | "pareto" | "stacked" | "control", labels, series: [{label, values, color?, dashed?, marks?}],
// lines: [{label, value, color?}], urls: [address per label], unit: "%", horizontal: bool}. Colours are names of tokens: c1…c8, bad.
"use strict";
(() => {
  const drawn = new Map();

  function token(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  function dataset(data, series, index) {
    const color = token(series.color || `c${(index % 8) + 1}`);
    const line = data.type === "line" || data.type === "control" || (data.type === "pareto" && index > 0);
    const marked = new Set(series.marks || []);
    const points = series.values.map((_, at) => (marked.has(at) ? token("bad") : color));
    const radii = series.values.map((_, at) => (marked.has(at) ? 6 : 3));
    return {
      type: line ? "line" : "bar", label: series.label, data: series.values, borderColor: color,
      backgroundColor: line ? points : color, pointBackgroundColor: points, pointBorderColor: points,
      pointRadius: radii, pointHoverRadius: 7, borderWidth: line ? 2 : 0, borderRadius: 4, maxBarThickness: 52,
      borderDash: series.dashed ? [5, 4] : [], tension: 0, spanGaps: false, clip: 8,
      yAxisID: data.type === "pareto" && index > 0 ? "share" : "y", order: line ? 0 : 1,
    };
  }

  function limits(data) {
    return (data.lines || []).map((line) => ({
      type: "line", label: line.label, data: data.labels.map(() => line.value), borderColor: token(line.color || "mute"),
      borderWidth: 1.25, borderDash: line.color ? [] : [5, 4], pointRadius: 0, pointHitRadius: 0, order: 2,
      yAxisID: data.type === "pareto" ? "share" : "y",
    }));
  }

  // A name too wide for its bar goes on over up to three lines: Chinese breaks anywhere, the rest between words.
  function lines(name, room) {
    const wide = /[\u4e00-\u9fff]/.test(name);
    const most = Math.max(2, Math.floor(room / (wide ? 13 : 7)));
    if (name.length <= most) return name;
    if (wide) return name.match(new RegExp(`.{1,${most}}`, "gu")).slice(0, 3);
    const rows = [""];
    for (const word of name.split(" ")) {
      const row = `${rows.at(-1)} ${word}`.trim();
      if (row.length <= most || !rows.at(-1)) rows[rows.length - 1] = row;
      else rows.push(word);
    }
    return rows.slice(0, 3).map((row) => (row.length > most ? `${row.slice(0, most - 1)}…` : row));
  }

  function legend(chart) {
    return chart.data.datasets.map((set, index) => ({
      text: set.label, datasetIndex: index, hidden: !chart.isDatasetVisible(index), fontColor: token("soft"),
      fillStyle: set.borderColor, strokeStyle: set.borderColor, lineWidth: set.type === "line" ? 2 : 0,
      lineDash: set.borderDash || [], pointStyle: set.type === "line" ? "line" : "rectRounded",
    }));
  }

  function scales(data) {
    const grid = { color: token("line"), drawTicks: false };
    const ticks = { color: token("soft"), padding: 6 };
    const unit = data.unit || "";
    const stacked = data.type === "stacked";
    const value = { beginAtZero: data.type !== "control", stacked, grid, border: { display: false }, ticks: { ...ticks, maxTicksLimit: 6, callback: (v) => `${v}${unit}` } };
    const drawn = data.type === "pareto" ? data.series.slice(0, 1) : data.series;
    if (drawn.every((series) => series.values.every((one) => one === null || Number.isInteger(one)))) value.ticks.precision = 0;
    const few = data.labels.length <= 8 && !data.horizontal;
    const names = { stacked, grid: { display: false }, border: { color: token("line") }, ticks: { ...ticks, autoSkip: !few, maxRotation: 0, callback(at) { return few ? lines(this.getLabelForValue(at), this.width / data.labels.length) : this.getLabelForValue(at); } } };
    if (data.horizontal) return { x: value, y: names };
    const share = { position: "right", min: 0, max: 100, grid: { display: false }, border: { display: false }, ticks: { ...ticks, stepSize: 20, callback: (v) => `${v}%` } };
    return data.type === "pareto" ? { x: names, y: value, share } : { x: names, y: value };
  }

  function options(data) {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    return {
      responsive: true, maintainAspectRatio: false, animation: calm ? false : { duration: 250 },
      indexAxis: data.horizontal ? "y" : "x", interaction: { mode: "index", intersect: false }, scales: scales(data),
      plugins: {
        legend: { display: data.series.length + (data.lines || []).length > 1, position: "bottom", labels: { usePointStyle: true, pointStyleWidth: 18, boxHeight: 7, generateLabels: legend } },
        tooltip: { backgroundColor: token("ink"), titleColor: token("card"), bodyColor: token("card"), callbacks: { label: (item) => ` ${item.dataset.label}: ${item.formattedValue}${data.unit && item.dataset.yAxisID === "y" ? data.unit : ""}` } },
      },
      onClick: (_, hits) => {
        const url = hits.length && (data.urls || [])[hits[0].index];
        if (url) location.assign(url);
      },
      onHover: (event, hits) => {
        event.native.target.style.cursor = hits.length && (data.urls || [])[hits[0].index] ? "pointer" : "";
      },
    };
  }

  function draw(source) {
    const data = JSON.parse(source.textContent);
    const canvas = source.closest(".chart").querySelector("canvas");
    if (drawn.has(canvas)) drawn.get(canvas).destroy();
    const datasets = data.series.map((series, index) => dataset(data, series, index)).concat(limits(data));
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    drawn.set(canvas, new Chart(canvas, { data: { labels: data.labels, datasets }, options: options(data) }));
  }

  function drawAll() {
    for (const [canvas, chart] of drawn) {
      if (!canvas.isConnected) {
        chart.destroy();
        drawn.delete(canvas);
      }
    }
    document.querySelectorAll("script[data-chart]").forEach(draw);
  }

  drawAll();
  document.addEventListener("htmx:after:swap", drawAll);
  document.addEventListener("themechange", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
})();
