// The list of a folder or directory.
import { base, drawn, element, fetched, fileLink } from "./page.js";
import { VirtualList } from "./list.js";

const box = document.getElementById("list");
const count = document.getElementById("count");
const notice = document.getElementById("notice");
const empty = document.getElementById("empty");
const { at, generated } = box.dataset;

const ICONS = {
  folder: "M2.5 5.5v9a1.5 1.5 0 0 0 1.5 1.5h10a1.5 1.5 0 0 0 1.5-1.5v-7A1.5 1.5 0 0 0 14 6H9L7.5 4H4a1.5 1.5 0 0 0-1.5 1.5z",
  directory: "M9 2.5 16 6 9 9.500 2 6zM2.500 9.200 9 12.500l6.500-3.300M2.500 12.200 9 15.500l6.500-3.300",
  file: "M4.500 2.500h6l3.500 3.500v9.500h-9.500zM10.500 2.500v3.500h3.500",
};

function picture(row) {
  const kind = row.folder ? "folder" : row.directory ? "directory" : "file";
  const icon = drawn("svg", { viewBox: "0 0 18 18", "aria-hidden": "true" }, drawn("path", { d: ICONS[kind], "stroke-linejoin": "round" }));
  if (!row.image) return icon;
  const image = element("img", { src: `${base}/image?size=64&uid=${encodeURIComponent(row.uid)}`, alt: "", loading: "lazy" });
  image.addEventListener("error", () => image.replaceWith(icon));
  return image;
}

function made(row, index) {
  if (!row) return element("a", { class: "row wait", role: "option", tabindex: "-1" }, "", element("span"), element("span", {}, "…"));
  const kind = row.folder ? "folder" : row.directory ? "directory" : "file";
  const href = row.folder ? `${base}/browse?at=${encodeURIComponent(row.uid)}` : fileLink(row.uid);
  const size = row.size && row.files ? `${row.files}, ${row.size}` : row.size;
  const more = row.folder ? [] : [row.state, row.files, row.made].filter(Boolean);
  const state = row.folder ? "" : row.state;
  return element(
    "a", { class: `row ${kind}`, role: "option", href, tabindex: "-1" }, "",
    picture(row),
    element("span", { class: "name", title: row.name }, row.name),
    element("span", { class: `state ${state.replace(" ", "-") || "none"}` }, state),
    element("span", { class: "size", title: size }, row.size),
    element("span", { class: "made" }, row.made),
    element("span", { class: "by", title: row.by }, row.by),
    element("span", { class: "more" }, more.join(" · ")),
  );
}

function counted(total, complete, problem) {
  const number = total.toLocaleString("en-US");
  if (empty) empty.hidden = Boolean(problem) || total > 0 || !complete;
  count.textContent = problem || (total === 0 && complete ? "nothing in it" : `${number} ${total === 1 ? "entry" : "entries"}${complete ? "" : " and more"}`);
}

const list = new VirtualList(box, {
  load: async (start, most) => {
    const answer = await fetched(`api/rows?at=${encodeURIComponent(at)}&generated=${generated}&start=${start}&most=${most}`);
    notice.textContent = answer.note;
    notice.hidden = !answer.note;
    return answer;
  },
  make: made,
  counted,
});
if (!box.classList.contains("inner")) box.focus({ preventScroll: true });
