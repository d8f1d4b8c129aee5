// The share menu and the presenter view. links.js says what the link to the view in front is.
const box = element.querySelector(".share");
const field = element.querySelector(".share-link");
const said = element.querySelector(".share-said");
const page = document.documentElement;
let link = window.location.href;

const withMode = (mode) => { const url = new URL(link); url.searchParams.set(mode, "1"); return url.href; };
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
const embedCode = () =>
  `<iframe src="${escaped(withMode("embed"))}" title="Matryoshka lab" width="100%" height="820" style="border:0" loading="lazy"></iframe>`;

document.addEventListener("address-written", ({ detail }) => {
  link = detail.link;
  field.value = link;
  element.querySelector(".link-out a").href = link;
});
field.addEventListener("focus", () => field.select());

async function copy(text, words) {
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = words;
  } catch {
    field.value = text; // Only encrypted pages have a clipboard: there it stands to be copied.
    field.select();
    said.textContent = "This browser does not let the page copy: press Ctrl+C in the line above.";
  }
}

async function saveCard() {
  said.textContent = "Drawing …";
  const url = new URL(link);
  url.pathname = url.pathname.replace(/\/?$/, "/card.png");
  const answer = await fetch(url);
  if (!answer.ok || answer.headers.get("x-card") !== "own") {
    said.textContent = "No picture of this view just now: search in Compare, then try again in a minute.";
    return;
  }
  const file = URL.createObjectURL(await answer.blob());
  const anchor = document.createElement("a");
  anchor.href = file;
  anchor.download = "matryoshka-card.png";
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(file), 10_000);
  said.textContent = "Saved as matryoshka-card.png.";
}

function present(on) {
  page.toggleAttribute("data-present", on);
  const url = new URL(window.location.href);
  if (on) url.searchParams.set("present", "1");
  else url.searchParams.delete("present");
  window.history.replaceState(null, "", url);
  box.open = false;
  if (on) document.querySelector(`#${ids.DIM_RANGE}`)?.focus({ preventScroll: true });
  else if (document.fullscreenElement) document.exitFullscreen();
}

const acts = {
  link: () => copy(link, "Link copied."),
  embed: () => copy(embedCode(), "Code copied."),
  card: () => saveCard().catch(() => { said.textContent = "The server did not answer: try again."; }),
  present: () => present(true),
  leave: () => present(false),
};
element.addEventListener("click", (event) => acts[event.target.closest("[data-share]")?.dataset.share]?.());
document.addEventListener("click", (event) => { if (!element.contains(event.target)) box.open = false; });
element.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !box.open) return;
  box.open = false;
  box.querySelector("summary").focus();
});

// Presenter keys; clickers send the page keys.
let example = 0;
function turn(step) {
  const examples = [...document.querySelectorAll(`#${ids.EXAMPLES} .chips > [data-example]`)];
  if (!examples.length) return;
  example = (example + step + examples.length) % examples.length;
  examples[example].click();
}
const inCompare = () => document.querySelector(`#${ids.DIM_RANGE}`)?.offsetParent;
// In Compare the next trained length; elsewhere the next of the innermost tabs, such as the screens of Learn.
function walk(step) {
  if (!inCompare()) {
    const list = [...document.querySelectorAll('[role="tablist"]')].filter((each) => each.offsetParent).pop();
    const tabs = [...(list?.querySelectorAll('[role="tab"]') ?? [])];
    tabs[tabs.findIndex((tab) => tab.ariaSelected === "true") + step]?.click();
    return;
  }
  const marks = [...document.querySelectorAll(`#${ids.DIMENSION} [data-dim]`)];
  const now = Number(document.querySelector(`#${ids.DIM_RANGE}`)?.value);
  const next = step > 0 ? marks.find((mark) => Number(mark.dataset.dim) > now)
    : marks.reverse().find((mark) => Number(mark.dataset.dim) < now);
  next?.click();
}
const keys = {
  ArrowLeft: () => walk(-1), ArrowRight: () => walk(1), PageUp: () => walk(-1), PageDown: () => walk(1),
  n: () => turn(1), p: () => turn(-1), Escape: () => present(false),
  f: () => (document.fullscreenElement ? document.exitFullscreen() : page.requestFullscreen()),
};
document.addEventListener("keydown", (event) => {
  if (!page.hasAttribute("data-present") || event.ctrlKey || event.altKey || event.metaKey) return;
  const typing = event.target.matches?.("textarea, select, [contenteditable], input:not([type=range])");
  const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || (typing && event.key !== "Escape")) return;
  if (!inCompare() && event.key !== "Escape" && event.target.matches?.('[role="tab"], input')) return; // These have keys of their own.
  event.preventDefault();
  event.stopPropagation();
  act();
}, true);
