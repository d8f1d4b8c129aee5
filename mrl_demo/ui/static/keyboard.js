// What the keyboard is owed and Gradio leaves out: menus that open when asked and close when left, tabs that answer
// to arrow keys, and a way past the examples to the slider. Listens on the document, so later elements are served too.
let byTab = false;
const isMenu = (target) => target.matches?.('input[role="combobox"]');
const isOpen = (menu) => menu.getAttribute("aria-expanded") === "true";
const press = (menu, key) => menu.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));

document.addEventListener("pointerdown", () => { byTab = false; }, true);
document.addEventListener("focus", (event) => {
  if (byTab && isMenu(event.target)) event.stopPropagation(); // Gradio would open it.
}, true);
document.addEventListener("focusout", ({ target }) => {
  if (isMenu(target)) setTimeout(() => { if (isOpen(target) && document.activeElement !== target) press(target, "Escape"); }, 60);
});

function onMenuKey(event) {
  const menu = event.target;
  if (!isOpen(menu)) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") return;
    event.stopPropagation(); // Gradio opens a menu on any key, on Tab and Shift too.
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    press(menu, "ArrowDown");
  } else if (event.key === "Enter") {
    setTimeout(() => menu.focus({ preventScroll: true }), 0); // Gradio leaves the menu after a choice.
  }
}

function onTabKey(event) {
  const tabs = [...event.target.closest('[role="tablist"]').querySelectorAll('[role="tab"]')];
  const at = tabs.indexOf(event.target);
  const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  const tab = tabs[(next + tabs.length) % tabs.length];
  tab.focus();
  tab.click();
}

document.addEventListener("keydown", (event) => {
  if (!event.isTrusted) return;
  byTab = event.key === "Tab" || event.key === "Enter";
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (isMenu(event.target)) onMenuKey(event);
  else if (event.target.matches?.('[role="tablist"] [role="tab"]')) onTabKey(event);
}, true);

document.addEventListener("click", (event) => {
  if (!event.target.closest?.(".skip")) return;
  event.preventDefault(); // The page has a base address: following the link could load it anew.
  document.querySelector(`#${ids.DIM_RANGE}`)?.focus();
});

element.dataset.ready = ""; // From here on the keyboard is served.
