/** The little that the explorer needs to build elements. Text is always text, never markup. */

/** An element: `h("a.tag", { href }, "text", child)`; attributes false or null are left out. */
export function h(kind, attributes = {}, ...children) {
  const [tag, ...classes] = kind.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/** 1 paper, 2 papers, 12,000 papers. */
export function papers(count) {
  return `${count.toLocaleString("en")} ${count === 1 ? "paper" : "papers"}`;
}

/** Run after the next frame has been painted. */
export function afterPaint(action) {
  requestAnimationFrame(() => setTimeout(action));
}
