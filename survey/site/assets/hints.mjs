// Tables whose cells tell more in `data-hint`, which the style sheet shows where the pointer or the focus is. By keyboard such
// a table is one stop, and the arrows lead from cell to cell.

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

for (const table of new Set([...document.querySelectorAll("td[data-hint]")].map((cell) => cell.closest("table")))) {
  const cells = [...table.rows].map((row) => [...row.cells].map((cell) => ("hint" in cell.dataset ? cell : null)));
  let now = cells.flat().find(Boolean);
  now.tabIndex = 0;
  table.addEventListener("focusin", ({ target }) => {
    if (!("hint" in target.dataset)) return;
    now.tabIndex = -1;
    now = target;
    now.tabIndex = 0;
  });
  table.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step || event.target !== now || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    next(cells, now, step)?.focus();
  });
}

// The next cell that way that has something to tell; heads of groups, which are one cell, lie between.
function next(cells, cell, [right, down]) {
  let [y, x] = [cell.parentElement.rowIndex, cell.cellIndex];
  do {
    [y, x] = [y + down, x + right];
    if (cells[y]?.[x]) return cells[y][x];
  } while (cells[y] && (down || x in cells[y]));
  return null;
}
