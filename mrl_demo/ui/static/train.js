// Says at once what is wrong with the weights of the lengths, before anybody presses a button.
const field = () => document.querySelector(`#${ids.TRAIN_WEIGHTS} input, #${ids.TRAIN_WEIGHTS} textarea`);
const line = () => document.querySelector(`#${ids.TRAIN_WEIGHTS_SAID} p`);

function problem(text) {
  const numbers = text.trim().split(/[\s,;]+/).filter(Boolean);
  if (!numbers.length) return "";
  const wrong = numbers.find((each) => !(Number(each) >= 0));
  if (wrong !== undefined) return `“${wrong}” is no number from 0: write the weights as in 2, 1, 1.`;
  const lengths = document.querySelectorAll(`#${ids.TRAIN_DIMS} input:checked`).length;
  if (numbers.length === lengths) return "";
  return `${numbers.length} weights for ${lengths} lengths: give one for each length that is ticked.`;
}

function look() {
  const said = problem(field()?.value || "");
  if (!line()) return;
  line().textContent = said;
  line().hidden = !said;
  field().setAttribute("aria-invalid", String(Boolean(said)));
}

document.addEventListener("input", (event) => {
  if (event.target.closest?.(`#${ids.TRAIN_WEIGHTS}, #${ids.TRAIN_DIMS}`)) look();
});
