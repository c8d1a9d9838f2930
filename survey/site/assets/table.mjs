// Tables that say `data-sort`: a button in each head sorts by its column, and `data-filters` names the columns that
// get a list to choose from. What a cell means for sorting stands in `data-v`, where it is not its text.

for (const table of document.querySelectorAll("table[data-sort]")) prepare(table);

function prepare(table) {
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => ({ row, cells: [...row.cells].map((cell) => cell.textContent.trim()) }));
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => sorts(table, rows, heads, head, column));
  const filters = (table.dataset.filters ?? "").split(",").filter(Boolean).map(Number);
  if (filters.length) table.closest(".survey-scroll").before(chooser(table, rows, heads, filters));
}

function sorts(table, rows, heads, head, column) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "sorter";
  button.append(...head.childNodes);
  head.append(button);
  const numeric = "numeric" in head.dataset;
  button.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
    rows.sort((a, b) => compare(key(a, column, numeric), key(b, column, numeric), down));
    table.tBodies[0].append(...rows.map(({ row }) => row));
  });
}

function key({ row, cells }, column, numeric) {
  const said = row.cells[column].dataset.v ?? cells[column];
  if (numeric || row.cells[column].dataset.v !== undefined) return said === "" ? NaN : Number(said);
  return said;
}

// What has no number stands last, whichever way the rest is sorted.
function compare(a, b, down) {
  if (typeof a === "number") {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
    return (a - b) * down;
  }
  return a.localeCompare(b, "en") * down;
}

function chooser(table, rows, heads, columns) {
  const holder = document.createElement("div");
  holder.className = "table-filters";
  const chosen = columns.map((column) => {
    const name = heads[column].textContent.trim();
    const label = document.createElement("label");
    const select = document.createElement("select");
    const values = [...new Set(rows.map(({ cells }) => cells[column]))];
    select.append(new Option(`all`, ""), ...values.map((value) => new Option(value, value)));
    label.append(`${name} `, select);
    holder.append(label);
    return select;
  });
  const count = document.createElement("span");
  count.className = "number";
  count.setAttribute("role", "status");
  holder.append(count);
  const show = () => {
    let shown = 0;
    for (const { row, cells } of rows) {
      row.hidden = columns.some((column, n) => chosen[n].value && cells[column] !== chosen[n].value);
      shown += !row.hidden;
    }
    count.textContent = shown === rows.length ? `${rows.length} numbers` : `${shown} of ${rows.length} numbers`;
  };
  for (const select of chosen) select.addEventListener("change", show);
  show();
  return holder;
}
