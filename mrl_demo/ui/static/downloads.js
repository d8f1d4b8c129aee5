// Buttons that save what is on the page: pictures are drawn here from the chart, tables come from the server as text.
const save = (name, url) => {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
};

const say = (words) => {
  const line = element.querySelector("output");
  line.textContent = words;
  setTimeout(() => { if (line.textContent === words) line.textContent = ""; }, 8_000);
};
const address = () => location.href;

// Plotly reads a little markup in text: what stands in a picture is text.
const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

// The same figure with what a page has around it: a title, and below it where the figures come from.
function captioned(plot, ink) {
  const { title, source } = plot.layout.meta || {};
  const dark = document.body.classList.contains("dark");
  const layout = { ...plot.layout, paper_bgcolor: dark ? "#1c1e23" : "#ffffff", font: { ...plot.layout.font, color: ink } };
  if (!title) return layout;
  const { margin } = plot.layout;
  const below = { xref: "paper", yref: "paper", x: 0, xanchor: "left", yanchor: "top", showarrow: false, align: "left" };
  const foot = [source, address()].filter(Boolean).map(plain).join("<br>");
  return {
    ...layout,
    title: { text: plain(title), x: 0, xref: "paper", xanchor: "left", y: 1, yref: "container", yanchor: "top", pad: { t: 14 }, font: { size: 17, color: ink } },
    margin: { ...margin, t: margin.t + 44, b: margin.b + 52 },
    height: (plot.layout.height || 470) + 96,
    annotations: [...(plot.layout.annotations || []), { ...below, y: 0, yshift: -margin.b + 2, text: foot, font: { size: 11, color: ink } }],
  };
}

async function picture(button) {
  const plot = document.querySelector(`#${button.dataset.chart} .js-plotly-plot`);
  if (!plot?.data?.length || !window.Plotly) return say("There is no figure to save yet.");
  const layout = captioned(plot, document.body.classList.contains("dark") ? "#f1eee9" : "#211d1a");
  const size = { width: Math.max(900, plot.clientWidth), height: layout.height || 470 };
  const format = button.dataset.kind;
  const url = await window.Plotly.toImage({ data: plot.data, layout: { ...layout, ...size } }, { format, ...size, scale: 2 });
  save(`${button.dataset.name}.${format}`, url);
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-kind]");
  if (!button) return;
  say("");
  if (button.dataset.chart) picture(button);
  else trigger("pick", { kind: button.dataset.kind, address: address() });
});

let last = null;
watch("payload", () => {
  const file = props.payload;
  if (!file || !file.serial || file.serial === last) return;
  last = file.serial;
  if (file.problem) return say(file.problem);
  const content = file.base64 ? Uint8Array.from(atob(file.base64), (letter) => letter.charCodeAt(0)) : file.text;
  const url = URL.createObjectURL(new Blob([content], { type: file.type }));
  save(file.name, url);
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
});
