// The keys of the blind test: 1, 2 and 3 press the three buttons while the test is on the screen and nobody is typing.
const buttons = { 1: ids.LEARN_BLIND_LEFT, 2: ids.LEARN_BLIND_SAME, 3: ids.LEARN_BLIND_RIGHT };

function isTyping(target) {
  return target.closest('input, textarea, select, [contenteditable]') !== null;
}

document.addEventListener('keydown', (event) => {
  const id = buttons[event.key];
  if (!id || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const button = document.getElementById(id);
  if (button && button.offsetParent !== null) button.click();
});
