// The drawer "Use in code" names the address under which this page is open, and stays open while its code changes.
const here = `${location.origin}${(window.gradio_config?.root ? new URL(window.gradio_config.root).pathname : "").replace(/\/$/, "")}`;
let isOpen = false;

document.addEventListener("toggle", (event) => {
  if (event.target.matches?.(".use-in-code")) isOpen = event.target.open;
}, true);

function complete() {
  for (const drawer of document.querySelectorAll(".use-in-code")) {
    if (isOpen && !drawer.open && !drawer.dataset.seen) drawer.open = true;
    drawer.dataset.seen = "1";
    for (const code of drawer.querySelectorAll("code")) {
      if (here !== placeholder && code.textContent.includes(placeholder)) {
        code.textContent = code.textContent.replaceAll(placeholder, here);
      }
    }
  }
}

complete();
new MutationObserver(complete).observe(document.body, { childList: true, subtree: true });
