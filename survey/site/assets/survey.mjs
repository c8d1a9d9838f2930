// Small comforts on every page: a button that copies what stands in a citation box.

for (const box of document.querySelectorAll("pre[data-copy]")) {
  const holder = document.createElement("div");
  holder.className = "copy-holder";
  box.replaceWith(holder);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${box.getAttribute("aria-label") ?? "text"}`);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(box.textContent);
      button.textContent = "Copied";
    } catch {
      // Without the right to the clipboard the text is at least selected.
      getSelection().selectAllChildren(box);
      button.textContent = "Press Ctrl-C";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  holder.append(box, button);
}

// What a table can do beyond being read stands in scripts of their own; without them it is a plain table.
if (document.querySelector("table[data-sort]")) import("./table.mjs");
if (document.querySelector("td[data-hint]")) import("./hints.mjs");
