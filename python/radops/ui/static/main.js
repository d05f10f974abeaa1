// What every page has: search as one types, and keys.
import { base, element, fetched, fileLink } from "./page.js";

const input = document.getElementById("find");
const found = document.getElementById("found");
let asked = 0;
let chosen = -1;
let timer;

async function search() {
  const words = input.value.trim();
  const number = ++asked;
  if (!words) return show([], "");
  try {
    const answer = await fetched(`api/search?q=${encodeURIComponent(words)}`);
    if (number === asked) show(answer.found, "Nothing was found by all of these words.");
  } catch (error) {
    if (number === asked) show([], error.message);
  }
}

function show(items, none) {
  chosen = -1;
  const links = items.map((one, index) => {
    const link = element("a", { role: "option", id: `found-${index}`, href: fileLink(one.uid), tabindex: "-1" }, one.name);
    if (one.note) link.append(element("small", {}, one.note));
    return link;
  });
  if (!links.length && none) links.push(element("p", {}, none));
  found.replaceChildren(...links);
  found.hidden = !links.length;
  input.setAttribute("aria-expanded", String(!found.hidden));
  input.removeAttribute("aria-activedescendant");
}

// An answer that is under way must not open the list again.
function close() {
  clearTimeout(timer);
  asked++;
  show([], "");
}

function choose(step) {
  const links = [...found.querySelectorAll("a")];
  if (!links.length) return;
  chosen = (chosen + step + links.length) % links.length;
  links.forEach((link, index) => link.setAttribute("aria-selected", String(index === chosen)));
  links[chosen].scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", links[chosen].id);
}

// The server gets ready for what is going to be typed.
input.addEventListener("focus", () => fetched("api/search?q=").catch(() => {}), { once: true });

input.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, 60);
});
input.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    choose(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Enter" && chosen >= 0) {
    event.preventDefault();
    found.querySelectorAll("a")[chosen].click();
  } else if (event.key === "Escape") {
    close();
    input.blur();
  }
});
document.addEventListener("click", (event) => {
  if (!event.target.closest(".find")) close();
});

const dialog = document.getElementById("keys");
const pages = { f: "", c: "compare", h: "health" };
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (typing || event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
  if (event.key === "/") {
    event.preventDefault();
    input.focus();
    input.select();
  } else if (event.key === "?") {
    dialog.showModal();
  } else if (event.key === "u") {
    const up = [...document.querySelectorAll(".crumbs a")].pop();
    if (up) location.href = up.href;
  } else if (event.key === "l" && document.getElementById("lineage")) {
    location.href = document.getElementById("lineage").href;
  } else if (event.key in pages && !event.target.closest(".graph")) {
    location.href = `${base}/${pages[event.key]}`;
  }
});

// Names as one types where two are compared.
const names = document.getElementById("uids");
for (const field of document.querySelectorAll("input.uid")) {
  field.addEventListener("input", async () => {
    const answer = await fetched(`api/search?q=${encodeURIComponent(field.value)}`).catch(() => ({ found: [] }));
    names.replaceChildren(...answer.found.map((one) => element("option", { value: one.uid })));
  });
}
