/** What changes between two lists of lines. No DOM in here. */

const CONTEXT = 2;

/** Lines as `{ kind, text }`: same, added, removed, and gaps where nothing changes. */
export function diff(before, after) {
  const rows = before.length + 1;
  const columns = after.length + 1;
  // The longest common part from each place on.
  const longest = Array.from({ length: rows }, () => new Uint32Array(columns));
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      longest[i][j] =
        before[i] === after[j]
          ? longest[i + 1][j + 1] + 1
          : Math.max(longest[i + 1][j], longest[i][j + 1]);
    }
  }
  const found = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      found.push({ kind: "same", text: before[i] });
      i += 1;
      j += 1;
    } else if (i < before.length && (j === after.length || longest[i + 1][j] >= longest[i][j + 1])) {
      found.push({ kind: "removed", text: before[i] });
      i += 1;
    } else {
      found.push({ kind: "added", text: after[j] });
      j += 1;
    }
  }
  return shortened(found);
}

/** The same with only two lines around each change. */
function shortened(lines) {
  const near = (at) =>
    lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(({ kind }) => kind !== "same");
  const found = [];
  for (const [at, line] of lines.entries()) {
    if (near(at)) found.push(line);
    else if (found.at(-1)?.kind !== "gap") found.push({ kind: "gap", text: "" });
  }
  return found;
}
