// Tables that say `data-sort`: a button in each head sorts by its column, and `data-filters` names the columns that
// get a list to choose from. What a cell means for sorting stands in `data-v`, where it is not its text.
//
// A table of thousands of rows is slow to lay out. So the rows that a `<template data-rest>` holds beside the table, its less
// important ones, come in only when they are asked for, and no more than `MOST` rows stand in the table until somebody wants to see the others.

const MOST = 500;

for (const table of document.querySelectorAll("table[data-sort]")) prepare(table);

function prepare(table) {
  const rest = table.parentElement.querySelector("template[data-rest]");
  const state = {
    body: table.tBodies[0], heads: [...table.tHead.rows[0].cells], rows: read(table.tBodies[0].rows),
    total: table.tBodies[0].rows.length + (rest?.content.children.length ?? 0), sorting: null, beside: new Set(), everything: true, chosen: [], most: MOST,
  };
  state.heads.forEach((head, column) => sorts(state, head, column));
  const columns = (table.dataset.filters ?? "").split(",").filter(Boolean).map(Number);
  if (!columns.length && !rest) return;
  table.closest(".survey-scroll").before(chooser(state, columns, rest));
  state.more = document.createElement("button");
  state.more.type = "button";
  state.more.className = "button";
  state.more.addEventListener("click", () => {
    state.most = Infinity;
    show(state);
  });
  table.closest(".survey-scroll").after(state.more);
  show(state);
}

function read(rows) {
  return [...rows].map((row) => ({ row, cells: [...row.cells].map((cell) => cell.textContent.trim()) }));
}

// The rows that are wanted, in their order, as many as are seen at once.
function show({ body, rows, total, beside, everything, chosen, most, more, status }) {
  const wanted = rows.filter(
    (one) => (everything || !beside.has(one)) && chosen.every(({ column, select }) => !select.value || one.cells[column] === select.value),
  );
  body.replaceChildren(...wanted.slice(0, most).map(({ row }) => row));
  if (!status) return;
  const number = (n) => n.toLocaleString("en");
  status.textContent = wanted.length === total ? `${number(total)} numbers` : `${number(wanted.length)} of ${number(total)} numbers`;
  more.hidden = wanted.length <= most;
  more.textContent = `Show the other ${number(Math.max(0, wanted.length - most))}`;
}

function sorts(state, head, column) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "sorter";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of state.heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
    state.sorting = { column, numeric: "numeric" in head.dataset, down };
    sort(state);
    show(state);
  });
}

const collator = new Intl.Collator("en");

function sort({ rows, sorting: { column, numeric, down } }) {
  const keys = new Map(rows.map((one) => [one, key(one, column, numeric)]));
  rows.sort((a, b) => compare(keys.get(a), keys.get(b), down));
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
  return collator.compare(a, b) * down;
}

function chooser(state, columns, rest) {
  const holder = document.createElement("div");
  holder.className = "table-filters";
  for (const column of columns) {
    const select = labelled(holder, state.heads[column].textContent.trim(), document.createElement("select"));
    select.append(new Option("all", ""));
    state.chosen.push({ column, select });
    select.addEventListener("change", () => show(state));
  }
  offer(state);
  if (rest) {
    const box = labelled(holder, rest.dataset.rest, Object.assign(document.createElement("input"), { type: "checkbox" }));
    box.addEventListener("change", () => {
      state.everything = box.checked;
      if (!state.beside.size) {
        state.beside = new Set(read(rest.content.children));
        state.rows.push(...state.beside);
        // In the order of the page, until somebody sorts: each knows its place.
        if (state.sorting) sort(state);
        else state.rows.sort((a, b) => a.row.dataset.at - b.row.dataset.at);
        offer(state);
      }
      show(state);
    });
  }
  state.status = document.createElement("span");
  state.status.className = "number";
  state.status.setAttribute("role", "status");
  holder.append(state.status);
  return holder;
}

function labelled(holder, name, control) {
  const label = document.createElement("label");
  label.append(`${name} `, control);
  holder.append(label);
  return control;
}

// What can be chosen is what stands in the rows.
function offer({ rows, chosen }) {
  for (const { column, select } of chosen) {
    const known = new Set([...select.options].map((option) => option.value));
    const found = new Set(rows.map(({ cells }) => cells[column]));
    select.append(...[...found].filter((value) => !known.has(value)).map((value) => new Option(value, value)));
  }
}
