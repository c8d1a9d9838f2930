/** Citations of chosen papers, put together from the shards that the site ships. */

const AT_ONCE = 6;

/** The text of a citation file. `onShard(done, all)` tells how far it is. */
export async function citations(rows, format, { base, data, onShard }) {
  const { header, separator, footer } = data.formats[format];
  const numbers = [...new Set(rows.map((row) => Math.floor(row / data.shard)))];
  const shards = new Map();
  const waiting = [...numbers];
  const fetchNext = async () => {
    while (waiting.length) {
      const number = waiting.shift();
      shards.set(number, await fetchJson(`${base}data/export/${format}/${number}.json`));
      onShard(shards.size, numbers.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, fetchNext));
  const entries = rows.map((row) => shards.get(Math.floor(row / data.shard))[row % data.shard]);
  return header + entries.join(separator) + footer;
}

/** The JSON at an address; an error that names it where there is none. */
export async function fetchJson(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${response.status} for ${address}`);
  return response.json();
}

/** Hand a text to the reader as a file. */
export function download(text, name, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Copy a text that is still on its way: some browsers want the permission asked for at once. */
export async function copy(text) {
  if (navigator.clipboard?.write && window.ClipboardItem) {
    const blob = text.then((ready) => new Blob([ready], { type: "text/plain" }));
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
  } else {
    await navigator.clipboard.writeText(await text);
  }
}
