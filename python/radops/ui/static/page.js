// Shared by the scripts: the address of the pages, requests, and elements that hold text only.
export const base = document.body.dataset.base;
const post = document.body.dataset.post;

export async function fetched(path) {
  const answer = await fetch(`${base}/${path}`, { headers: { accept: "application/json" } });
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.error || answer.statusText);
  return data;
}

export async function posted(path, data) {
  const answer = await fetch(`${base}/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-radops-token": post },
    body: JSON.stringify(data),
  });
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(found.error || answer.statusText);
}

export function fileLink(uid) {
  return `${base}/file?uid=${encodeURIComponent(uid)}`;
}

// Text is set as text: nothing of the lake becomes markup.
export function element(name, attributes = {}, text = "", ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

export function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
