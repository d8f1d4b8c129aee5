// Tables that their heads sort: a first press puts the greatest on top (words from A), the next turns the order round.
function cellOf(row, column) {
  let at = 0;
  for (const cell of row.cells) {
    at += cell.colSpan;
    if (at > column) return cell.textContent.trim();
  }
  return "";
}

const numberIn = (text) => {
  const found = text.match(/[-+−]?[\d,]*\.?\d+/);
  return found ? Number(found[0].replaceAll(",", "").replace("−", "-")) : null;
};

function compare(one, other, byNumber) {
  if (!byNumber) return one.localeCompare(other);
  const [a, b] = [numberIn(one), numberIn(other)];
  if (a === null || b === null) return (a === null) - (b === null); // What was not measured stays last.
  return b - a;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button.sort");
  if (!button) return;
  const head = button.closest("th");
  const body = head.closest("table").tBodies[0];
  const column = head.cellIndex;
  const turned = head.getAttribute("aria-sort") === (column ? "descending" : "ascending");
  for (const each of head.parentElement.cells) each.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", turned === Boolean(column) ? "ascending" : "descending");
  const rows = [...body.rows].map((row) => [cellOf(row, column), row]);
  const byNumber = column > 0 && rows.some(([text]) => numberIn(text) !== null);
  rows.sort(([one], [other]) => compare(one, other, byNumber) * (turned ? -1 : 1));
  body.append(...rows.map(([, row]) => row));
});
