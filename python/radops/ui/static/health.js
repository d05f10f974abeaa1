// Starts and stops a verify, and shows how far it is.
import { base, element, fetched, posted } from "./page.js";

const form = document.getElementById("verify");
const start = document.getElementById("start");
const stop = document.getElementById("stop");
const progress = document.getElementById("progress");
const bar = document.getElementById("bar");
const stage = document.getElementById("stage");
const findings = document.getElementById("findings");
const last = document.getElementById("last");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const how = form.elements.how.value;
  const order = {
    targets: form.elements.targets.value,
    quick: how === "quick",
    remote: how === "remote" || how === "full",
    full: how === "full",
  };
  try {
    await posted("api/verify/start", order);
  } catch (error) {
    say(error.message, "bad");
  }
});
stop.addEventListener("click", () => posted("api/verify/stop", {}).catch((error) => say(error.message, "bad")));

function say(text, kind) {
  stage.textContent = text;
  stage.className = kind;
}

function show(state) {
  const running = state.event === "progress";
  start.hidden = running;
  stop.hidden = !running;
  progress.hidden = !running;
  if (running) {
    if (state.share === null) bar.removeAttribute("value");
    else bar.value = state.share;
    const percent = state.share === null ? "" : ` ${Math.floor(state.share * 100)} %`;
    say([`${state.stage}${percent}`, state.done, state.targets].filter(Boolean).join(" · "), "");
  } else if (state.event === "done") {
    say(`${state.summary} Started ${state.started}.`, state.ok ? "good" : "bad");
    showLast();
  } else if (state.event === "stopped") {
    say("Stopped.", "");
  } else if (state.event === "error") {
    say([state.message, state.hint].filter(Boolean).join(" — "), "bad");
  }
  findings.hidden = !state.findings.length;
  findings.tBodies[0].replaceChildren(
    ...state.findings.map((one) => element("tr", {}, "", element("td", {}, one.subject), element("td", {}, one.message), element("td", {}, one.hint))),
  );
}

async function showLast() {
  const { found } = await fetched("api/verify/last").catch(() => ({ found: [] }));
  last.hidden = !found.length;
  last.querySelector("tbody").replaceChildren(
    ...found.map(({ ok, cells }) => element("tr", { class: ok ? "" : "differs" }, "", ...cells.map((cell) => element("td", {}, cell)))),
  );
}

const events = new EventSource(`${base}/api/verify/events`);
events.addEventListener("message", (event) => show(JSON.parse(event.data)));
showLast();
addEventListener("pagehide", () => events.close());
