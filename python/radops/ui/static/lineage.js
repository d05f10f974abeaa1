// The graph of what a file was made from and what was made from it; parts open and close.
import { base, drawn, element, fetched, fileLink } from "./page.js";
import { Graph, layout } from "./dagre.js";

const box = document.getElementById("graph");
const summary = document.getElementById("summary");
const detail = document.getElementById("detail");
const uid = box.dataset.uid;
const [WIDTH, HEIGHT, NAME, FIRST, STEP, MANY] = [236, 52, 31, 40, 20, 200];

let nodes = [];
let edges = [];
let inputs = [];
let outputs = [];
const open = { up: new Map(), down: new Map() }; // how many neighbours of a node are shown
let places = new Map();
let chosen = 0;
let zoom = 0;

function short(text, most = NAME) {
  if (text.length <= most) return text;
  const tail = Math.floor(most * 0.6);
  return `${text.slice(0, most - tail - 1)}…${text.slice(-tail)}`;
}

function neighbours(index, side) {
  return side === "up" ? inputs[index] : outputs[index];
}

// A node shows the side on which it is: what is before the file goes on up, what is after it down.
function sides(index) {
  const level = nodes[index].level;
  return level === 0 ? ["up", "down"] : level < 0 ? ["up"] : ["down"];
}

function visible() {
  const seen = new Set([0]);
  const queue = [0];
  for (const index of queue) {
    for (const side of sides(index)) {
      for (const other of neighbours(index, side).slice(0, open[side].get(index) ?? 0)) {
        if (!seen.has(other)) queue.push(other);
        seen.add(other);
      }
    }
  }
  return seen;
}

function begin() {
  const queue = [0];
  let count = 1;
  for (const index of queue) {
    for (const side of sides(index)) {
      const some = neighbours(index, side).slice(0, Math.min(STEP, FIRST - count));
      if (!some.length) continue;
      open[side].set(index, some.length);
      queue.push(...some.filter((other) => !queue.includes(other)));
      count += some.length;
    }
  }
}

// Laying out is by far the slowest: once for what is seen, however often that is drawn.
let arranged = null;

function arrange(seen) {
  const tall = matchMedia("(max-width: 640px)").matches;
  const same = arranged && arranged.tall === tall && arranged.seen.size === seen.size;
  if (!same || [...seen].some((index) => !arranged.seen.has(index))) arranged = laidOut(seen, tall);
  return arranged;
}

function laidOut(seen, tall) {
  const graph = new Graph();
  // The best ranks take time that grows with the square of what is seen.
  const ranker = seen.size > MANY ? "longest-path" : "network-simplex";
  graph.setGraph({ rankdir: tall ? "TB" : "LR", nodesep: 16, ranksep: tall ? 44 : 64, marginx: 22, marginy: 22, ranker });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const index of seen) graph.setNode(String(index), { width: WIDTH, height: HEIGHT });
  for (const [source, target, arg] of edges) {
    if (seen.has(source) && seen.has(target)) graph.setEdge(String(source), String(target), { arg });
  }
  layout(graph);
  return { graph, tall, seen };
}

function reached(start, step, seen) {
  const found = new Set([start]);
  for (const index of found) for (const other of step[index]) if (seen.has(other)) found.add(other);
  return found;
}

function draw(focus = false) {
  const seen = visible();
  const { graph, tall } = arrange(seen);
  const { width, height } = graph.graph();
  const from = reached(chosen, nodes[chosen].level < 0 ? outputs : inputs, seen);
  const to = reached(0, nodes[chosen].level < 0 ? inputs : outputs, seen);
  const path = new Set([...from].filter((index) => to.has(index)));
  if (!zoom) zoom = Math.max(tall ? 0.8 : 0.7, Math.min(1, (box.clientWidth - 4) / width));

  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, width: width * zoom, height: height * zoom, role: "group" });
  svg.append(drawn("defs", {}, drawn("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, drawn("path", { d: "M0 0.800 7 4 0 7.200z", class: "tip", fill: "#888" }))));
  for (const key of graph.edges()) {
    const { points, arg } = graph.edge(key);
    const on = path.has(Number(key.v)) && path.has(Number(key.w));
    const line = drawn("path", { class: on && path.size > 1 ? "edge path" : "edge", d: curve(points), "marker-end": "url(#tip)" });
    line.append(titled(arg));
    svg.append(line);
  }
  places = new Map();
  for (const index of seen) {
    const { x, y } = graph.node(String(index));
    places.set(index, { x, y });
    svg.append(card(index, x, y, seen, tall));
  }
  const { scrollLeft, scrollTop } = box;
  const first = !box.firstChild;
  box.replaceChildren(svg);
  if (first) {
    const place = places.get(0);
    box.scrollTo(place.x * zoom - box.clientWidth / 2, place.y * zoom - box.clientHeight / 2);
  } else box.scrollTo(scrollLeft, scrollTop);
  if (focus) node(chosen)?.focus();
  describe();
}

function curve(points) {
  let text = `M${points[0].x} ${points[0].y}`;
  for (let at = 1; at < points.length - 1; at++) {
    const [here, next] = [points[at], points[at + 1]];
    const end = at === points.length - 2 ? next : { x: (here.x + next.x) / 2, y: (here.y + next.y) / 2 };
    text += ` Q${here.x} ${here.y} ${end.x} ${end.y}`;
  }
  return text;
}

function titled(text) {
  const title = drawn("title");
  title.textContent = text;
  return title;
}

function written(text, attributes) {
  const made = drawn("text", attributes);
  made.textContent = text;
  return made;
}

function card(index, x, y, seen, tall) {
  const one = nodes[index];
  const wrong = one.problem || one.state === "changed" || one.state === "missing";
  const kinds = ["node", index === 0 && "root", one.state === "deleted" && "deleted", wrong && "wrong", index === chosen && "chosen"];
  const made = drawn("g", { class: kinds.filter(Boolean).join(" "), transform: `translate(${x - WIDTH / 2} ${y - HEIGHT / 2})`, tabindex: index === chosen ? 0 : -1, role: "button", "data-node": index, "aria-label": `${one.name}${one.function ? `, made by ${one.function}` : ""}${one.state === "stands" ? "" : `, ${one.state}`}` });
  const by = one.problem ? "not as it was recorded" : one.state !== "stands" ? one.state : one.function ? `${one.function.split(".").pop()}()` : one.source || "added";
  made.append(
    titled(one.name),
    drawn("rect", { class: "card", width: WIDTH, height: HEIGHT, rx: 9 }),
    written(short(one.name), { x: 13, y: 22 }),
    written(short(by, 36), { x: 13, y: 40, class: "by" }),
  );
  for (const side of sides(index)) {
    const all = neighbours(index, side);
    if (!all.length) continue;
    const hidden = all.filter((other) => !seen.has(other)).length;
    const before = side === "up";
    const at = tall ? { x: WIDTH / 2, y: before ? 0 : HEIGHT } : { x: before ? 0 : WIDTH, y: HEIGHT / 2 };
    const label = hidden ? (hidden > 99 ? "+" : `+${hidden}`) : "−";
    const knob = drawn("g", { class: "knob", transform: `translate(${at.x} ${at.y})`, "data-side": side }, drawn("circle", { r: 10 }), written(label, { y: 4 }));
    knob.append(titled(hidden ? `${hidden.toLocaleString("en-US")} more` : "collapse"));
    knob.addEventListener("click", (event) => {
      event.stopPropagation();
      toggle(index, side);
    });
    made.append(knob);
  }
  made.addEventListener("click", () => choose(index));
  made.addEventListener("dblclick", () => { location.href = fileLink(one.uid); });
  return made;
}

function toggle(index, side) {
  const all = neighbours(index, side);
  const shown = open[side].get(index) ?? 0;
  open[side].set(index, shown < all.length ? Math.min(all.length, shown + STEP) : 0);
  if (!visible().has(chosen)) chosen = index;
  draw();
}

function set(index, shown) {
  for (const side of sides(index)) {
    const all = neighbours(index, side).length;
    open[side].set(index, shown ? Math.min(all, (open[side].get(index) ?? 0) + STEP) : 0);
  }
  draw(true);
}

function choose(index) {
  chosen = index;
  draw(true);
}

function node(index) {
  return box.querySelector(`[data-node="${index}"]`);
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function nearest([right, down]) {
  const here = places.get(chosen);
  let best = null;
  let distance = Infinity;
  for (const [index, { x, y }] of places) {
    const along = right ? (x - here.x) * right : (y - here.y) * down;
    const across = Math.abs(right ? y - here.y : x - here.x);
    if (along > 4 && along + 2 * across < distance) [best, distance] = [index, along + 2 * across];
  }
  return best;
}

box.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in ARROWS) {
    const next = nearest(ARROWS[event.key]);
    if (next !== null) choose(next);
  } else if (event.key === "Enter") location.href = fileLink(nodes[chosen].uid);
  else if (event.key === "+" || event.key === "=") set(chosen, true);
  else if (event.key === "-") set(chosen, false);
  else if (event.key === "c") location.href = centred(nodes[chosen].uid);
  else return;
  event.preventDefault();
});

function centred(other) {
  return `${base}/lineage?uid=${encodeURIComponent(other)}`;
}

function describe() {
  const one = nodes[chosen];
  const facts = [
    ["made by", one.function],
    ["source", one.source],
    ...one.params.map(([name, value]) => [name, value]),
    ["made", one.made],
    ["size", one.size],
    ["digest", one.digest && `${one.digest.slice(0, 23)}…`],
    ["state", one.state === "stands" ? "" : one.state],
    ["problem", one.problem],
  ].filter(([, value]) => value);
  const list = element("dl", { class: "params" });
  for (const [name, value] of facts) list.append(element("dt", {}, name), element("dd", {}, value));
  const actions = element("div", { class: "actions" }, "", element("a", { class: "button", href: fileLink(one.uid) }, "Open"));
  if (chosen !== 0) actions.append(element("a", { class: "button", href: centred(one.uid) }, "Put in the centre"));
  detail.hidden = false;
  detail.replaceChildren(element("p", { class: "strong" }, one.name), list, actions);
}

const PRINTED = "text{font:13px system-ui,sans-serif;fill:#222}.by{font-size:11.5px;fill:#666}.card{fill:#fff;stroke:#bbb}.root .card{stroke:#1f5f8b;stroke-width:2}.deleted .card{stroke-dasharray:5 4}.wrong .card{stroke:#a92b22;stroke-width:2}.edge{fill:none;stroke:#999}.knob{display:none}";

document.getElementById("svg").addEventListener("click", () => {
  const copy = box.querySelector("svg").cloneNode(true);
  const style = drawn("style");
  style.textContent = PRINTED;
  copy.prepend(style);
  const text = new XMLSerializer().serializeToString(copy);
  const link = element("a", { href: URL.createObjectURL(new Blob([text], { type: "image/svg+xml" })), download: "lineage.svg" });
  link.click();
  URL.revokeObjectURL(link.href);
});
for (const [id, factor] of [["more", 1.25], ["less", 0.8]]) {
  document.getElementById(id).addEventListener("click", () => {
    zoom = Math.max(0.2, Math.min(3, zoom * factor));
    draw();
  });
}

async function show(depth) {
  summary.textContent = "…";
  let data;
  try {
    data = await fetched(`api/lineage?uid=${encodeURIComponent(uid)}&depth=${depth}`);
  } catch (error) {
    summary.textContent = error.message;
    return;
  }
  nodes = data.nodes;
  edges = data.edges;
  inputs = nodes.map(() => []);
  outputs = nodes.map(() => []);
  for (const [source, target] of edges) {
    inputs[target].push(source);
    outputs[source].push(target);
  }
  const wrong = nodes.filter((one) => one.problem).length;
  const texts = [`${nodes.length.toLocaleString("en-US")} ${nodes.length === 1 ? "file" : "files"}`];
  if (wrong) texts.push(`${wrong.toLocaleString("en-US")} not as recorded`);
  if (data.note) texts.push(data.note);
  summary.textContent = texts.join(", ");
  if (data.cut) {
    const all = element("button", {}, "More beyond: show all");
    all.addEventListener("click", () => show("all"));
    summary.append(" ", all);
  }
  arranged = null;
  begin();
  draw();
}

show("some");
