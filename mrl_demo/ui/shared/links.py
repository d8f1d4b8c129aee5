"""How one tab hands a visitor over to another."""

from __future__ import annotations

#: The tab that others send a visitor to.
COMPARE_LABEL = "Compare"
#: Shows the Compare tab and presses its button once the values are there.
OPEN_COMPARE = """() => {
  const tabs = [...document.querySelectorAll('button[role="tab"]')];
  tabs.find((tab) => tab.textContent.trim() === "Compare")?.click();
  const press = (tries) => {
    const button = document.querySelector("button#search, #search button");
    if (button && button.offsetParent) {
      document.querySelector("button#prepare, #prepare button").click();
      document.querySelector("#ask")?.scrollIntoView({ block: "start" });
    } else if (tries > 0) setTimeout(() => press(tries - 1), 50);
  };
  setTimeout(() => press(60), 60);
}"""
