// "Searching" once an answer has taken a while; the events "search-starts" and "search-ends" come with every search of the tab.
const PATIENCE_MS = 400;
const line = element.querySelector("[role=status]");
let timer = 0;

document.addEventListener("search-starts", () => {
  clearTimeout(timer);
  timer = setTimeout(() => { line.textContent = "Searching"; }, PATIENCE_MS);
});
document.addEventListener("search-ends", () => {
  clearTimeout(timer);
  line.textContent = "";
});
