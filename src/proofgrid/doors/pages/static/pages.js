"use strict";
// Pages are whole without this: it keeps them fresh, and lets a price be read off under the pointer.

// Whoever walks through a part with the keyboard is not thrown out of it by news.
document.addEventListener("htmx:beforeSwap", (event) => {
  const held = document.querySelector(":focus-visible");
  if (held && event.detail.target.contains(held)) event.detail.shouldSwap = false;
});

const scheme = window.matchMedia("(prefers-color-scheme: dark)");
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function timeOf(times) {
  const isLong = times[times.length - 1] - times[0] > 172800;
  const options = isLong ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const format = new Intl.DateTimeFormat(undefined, options);
  return (seconds) => format.format(new Date(seconds * 1000));
}

function drawPrices(figure) {
  const svg = figure.querySelector("svg");
  const series = JSON.parse(figure.dataset.series);
  if (!window.uPlot || !svg || series[0].length < 2) return;
  const labels = JSON.parse(figure.dataset.labels);
  const axis = { stroke: ink("--muted"), grid: { stroke: ink("--line"), width: 1 }, ticks: { show: false } };
  const held = uPlot.paths.stepped({ align: 1 });
  const width = svg.clientWidth;
  const chart = new uPlot({
    width, height: 260, series: [
      { value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}" },
      { label: labels[0], stroke: ink("--buy"), width: 2, paths: held, points: { show: false } },
      { label: labels[1], stroke: ink("--sell"), width: 2, dash: [7, 4], paths: held, points: { show: false } },
    ],
    axes: [{ ...axis, values: (_, seconds) => seconds.map(timeOf(series[0])) }, { ...axis, size: 64 }],
    cursor: { drag: { x: true, y: false } },
  }, series, figure);
  chart.root.setAttribute("aria-hidden", "true"); // the picture and the table say the same in words
  svg.classList.add("hidden");
  const size = new ResizeObserver(() => chart.setSize({ width: figure.clientWidth - 36, height: 260 }));
  size.observe(figure);
  scheme.addEventListener("change", () => { // its colours were read once
    size.disconnect();
    chart.destroy();
    svg.classList.remove("hidden");
    drawPrices(figure);
  }, { once: true });
}

document.querySelectorAll("figure[data-series]").forEach(drawPrices);
