// Keeps the chart of rank moves in step with the page: the dotted line follows the slider without asking the server,
// and on narrow screens the two panels stand one above the other.
const NARROW = 640;
const chart = () => document.querySelector("#rank-moves .js-plotly-plot");
let wanted = null;
let timer = 0;

function layout(plot) {
  const narrow = plot.clientWidth < NARROW && plot.layout.xaxis2 !== undefined;
  const update = { height: narrow ? 600 : 360 };
  if (plot.layout.xaxis2 !== undefined) {
    Object.assign(update, narrow
      ? { "xaxis.domain": [0, 1], "xaxis2.domain": [0, 1], "yaxis.domain": [0.57, 1], "yaxis2.domain": [0, 0.43] }
      : { "xaxis.domain": [0, 0.48], "xaxis2.domain": [0.52, 1], "yaxis.domain": [0, 1], "yaxis2.domain": [0, 1] });
    update["yaxis2.showticklabels"] = narrow;
    (plot.layout.annotations || []).slice(0, 2).forEach((_, i) => {
      update[`annotations[${i}].x`] = narrow ? 0.5 : [0.24, 0.76][i];
      update[`annotations[${i}].y`] = narrow ? [1, 0.43][i] : 1;
    });
  }
  return update;
}

function marks(plot) {
  const update = {};
  (plot.layout.shapes || []).forEach((shape, i) => {
    if (wanted !== null && shape.name === "dimension") {
      update[`shapes[${i}].x0`] = wanted;
      update[`shapes[${i}].x1`] = wanted;
    }
  });
  return update;
}

function apply(full) {
  const plot = chart();
  if (!plot || !window.Plotly || !plot.layout) return;
  const update = { ...(full ? layout(plot) : {}), ...marks(plot) };
  if (Object.keys(update).length) window.Plotly.relayout(plot, update);
}

document.addEventListener("dimension", (event) => {
  wanted = event.detail.dim;
  clearTimeout(timer);
  timer = setTimeout(() => apply(false), 90); // After the cards, which matter more.
});

function watchChart(box) {
  const settle = () => { clearTimeout(timer); timer = setTimeout(() => apply(true), 30); };
  const isPlot = (node) => node.nodeType === 1 && (node.matches(".plot-container") || node.querySelector(".plot-container"));
  new MutationObserver((records) => {
    if (records.some((record) => [...record.addedNodes].some(isPlot))) settle();
  }).observe(box, { childList: true, subtree: true });
  let width = 0;
  new ResizeObserver(() => {
    if ((box.clientWidth < NARROW) !== (width < NARROW)) settle();
    width = box.clientWidth;
  }).observe(box);
  settle();
}

function whenThere(tries) {
  const box = document.querySelector("#rank-moves");
  if (box) watchChart(box);
  else if (tries > 0) setTimeout(() => whenThere(tries - 1), 100);
}
whenThere(100);
