// The browser's half of shared/address_bar.py: writes the address while one works, and restores what an address says.
// `table` has for each parameter its group (a tab), whether it makes a step of its own for Back, and its first text.
const names = Object.keys(table);
const firsts = Object.fromEntries(names.map((name) => [name, table[name].first]));
const current = { ...firsts };
const before = {}; // What they were when the last restoration began.
const hints = {}; // By group: what a link asked for in vain.
const held = {}; // What was announced while a group was being restored.
const busy = {}; // Restorations under way, by group.
let timer = 0;
let pushing = false;
let untold = new Set(); // Groups whose controls are not set yet.
let enter = null; // Brings the tab of the address to the front.
let awaited = null; // The tab that is on its way there; until it says so, others speak of what was before.
let unfinished = 0; // Restorations that wait for it.

const members = (group) => names.filter((name) => table[name].group === group);
const text = (value) => (Array.isArray(value) ? value.join(",") : typeof value === "boolean" ? (value ? "1" : "0") : String(value ?? ""));
const page = () => window.location.origin + window.location.pathname;

// The address of the page with some parameters in it; those that are not ours (embed, __theme) stay.
function address(texts, others = [...new URLSearchParams(window.location.search)]) {
  const query = new URLSearchParams(others.filter(([name]) => !(name in table)));
  for (const [name, value] of Object.entries(texts)) query.set(name, value);
  const words = query.toString().replaceAll("%2C", ",").replaceAll("%40", "@"); // Harmless there, and easier to read.
  return page() + (words ? `?${words}` : "");
}

const changed = () => Object.fromEntries(names.filter((name) => current[name] !== firsts[name]).map((name) => [name, current[name]]));

// All that a link to the tab in front needs, whatever the page will open with one day; what is empty from the first is not.
function whole() {
  const tab = names.some((name) => table[name].group === current.tab) ? current.tab : "compare"; // The map follows Compare.
  return Object.fromEntries(names.filter((name) => (table[name].shared || table[name].group === tab) && (current[name] || firsts[name])).map((name) => [name, current[name]]));
}

function write() {
  clearTimeout(timer);
  const url = address(changed());
  if (url !== window.location.href) window.history[pushing ? "pushState" : "replaceState"](null, "", url);
  pushing = false;
  document.dispatchEvent(new CustomEvent("address-written", { detail: { link: address(whole(), []), ...current } }));
}

function set(name, value, push) {
  if (current[name] === value) return;
  if (push && !pushing) write(); // What came before belongs to the step that is left.
  current[name] = value;
  pushing ||= push;
  clearTimeout(timer);
  timer = setTimeout(write, 120); // A dragged slider would ask for more steps than browsers allow.
}

document.addEventListener("address", ({ detail: { name, value } }) => {
  if (name === "tab" && awaited) {
    if (text(value) === awaited) arrive();
  } else if (busy[table[name].group]) held[name] = text(value);
  else set(name, text(value), table[name].pushes);
});

// Bring the page to what the address says: those groups in which something differs.
function restore() {
  clearTimeout(timer);
  pushing = false;
  const query = new URLSearchParams(window.location.search);
  const wanted = Object.fromEntries(names.map((name) => [name, query.get(name) ?? firsts[name]]));
  const groups = new Set(names.filter((name) => wanted[name] !== current[name]).map((name) => table[name].group));
  Object.assign(before, current);
  Object.assign(current, wanted);
  for (const group of groups) busy[group] = (busy[group] || 0) + 1;
  const send = (group) => trigger(events[group],
    { values: Object.fromEntries(members(group).map((name) => [name, wanted[name]])) });
  // The tab comes to the front once its controls are set: some look at them when they are entered.
  untold = new Set([...groups].filter((group) => group !== "page"));
  enter = groups.has("page") ? () => { enter = null; send("page"); } : null;
  awaited = groups.has("page") ? wanted.tab : null;
  untold.forEach(send);
  if (!untold.size) enter?.();
  else setTimeout(() => enter?.(), 3_000);
  document.documentElement.toggleAttribute("data-restoring", Object.values(busy).some(Boolean));
}

// What the server refused stays as it was, and the address says so too.
for (const group of Object.keys(events)) {
  watch(`told_${group}`, () => {
    const told = props[`told_${group}`];
    if (!told) return;
    for (const name of members(group)) current[name] = told.values[name] ?? before[name] ?? firsts[name];
    hints[group] = told.hint;
    if (group === "page" && current.tab !== awaited) awaited = null;
    untold.delete(group);
    if (!untold.size) enter?.();
    element.querySelector('[role="status"]').replaceChildren(...Object.values(hints).filter(Boolean).map(line));
  });
}

function line(words) {
  const paragraph = document.createElement("p");
  const close = document.createElement("button");
  paragraph.className = "notice hint";
  paragraph.append(Object.assign(document.createElement("span"), { textContent: words }), close);
  Object.assign(close, { type: "button", textContent: "×", ariaLabel: "Close this hint" });
  close.addEventListener("click", () => paragraph.remove());
  return paragraph;
}

function arrive() {
  awaited = null;
  for (; unfinished; unfinished -= 1) finish("page");
}

document.addEventListener("address-restored", ({ detail: group }) => {
  if (group !== "page" || !awaited) return finish(group);
  unfinished += 1;
  setTimeout(arrive, 3_000); // A tab that was in front all the time has nothing to say.
});

function finish(group) {
  busy[group] = Math.max(0, (busy[group] || 0) - 1);
  if (busy[group]) return;
  for (const name of members(group).filter((each) => each in held)) {
    set(name, held[name], false);
    delete held[name];
  }
  document.documentElement.toggleAttribute("data-restoring", Object.values(busy).some(Boolean));
  write();
}

window.addEventListener("popstate", restore);
if (names.some((name) => new URLSearchParams(window.location.search).has(name))) restore();
else write();
element.dataset.ready = "";
