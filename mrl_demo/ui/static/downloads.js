// Buttons that save what is on the page: pictures are drawn here from the chart, tables come from the server as text.
const save = (name, url) => {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
};

async function picture(button) {
  const plot = document.querySelector(`#${button.dataset.chart} .js-plotly-plot`);
  if (!plot || !window.Plotly) return;
  const dark = document.body.classList.contains("dark");
  const ink = dark ? "#f1eee9" : "#211d1a";
  const layout = { ...plot.layout, paper_bgcolor: dark ? "#1c1e23" : "#ffffff", font: { ...plot.layout.font, color: ink } };
  const size = { width: Math.max(900, plot.clientWidth), height: plot.layout.height || 470 };
  const format = button.dataset.kind;
  const url = await window.Plotly.toImage({ data: plot.data, layout: { ...layout, ...size } }, { format, ...size, scale: 2 });
  save(`${button.dataset.name}.${format}`, url);
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-kind]");
  if (!button) return;
  if (button.dataset.chart) picture(button);
  else trigger("pick", { kind: button.dataset.kind });
});

let last = null;
watch("payload", () => {
  const file = props.payload;
  if (!file || !file.serial || file.serial === last) return;
  last = file.serial;
  const url = URL.createObjectURL(new Blob([file.text], { type: file.type }));
  save(file.name, url);
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
});
