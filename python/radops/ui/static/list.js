// A list of any length of which only what is seen exists. Browsers limit how high an element can
// be, so a very long list is a lower one: small scrolls move by pixels, large ones by share.
const TALLEST = 8_000_000;
const PAGE = 100;
const SPARE = 8;
const KEPT_PAGES = 60;

export class VirtualList {
  // load(start, most) resolves to {start, total, complete, rows}; make(row, index) to an element.
  constructor(box, { load, make, counted }) {
    Object.assign(this, { box, load, make, counted });
    this.total = 0;
    this.complete = false;
    this.top = 0; // of the whole list, in pixels
    this.cursor = 0;
    this.pages = new Map();
    this.shown = new Map();
    this.spacer = document.createElement("div");
    this.spacer.className = "spacer";
    box.append(this.spacer);
    this.measure();
    this.seen = 0;
    box.addEventListener("scroll", () => this.scrolled(), { passive: true });
    box.addEventListener("keydown", (event) => this.pressed(event));
    addEventListener("resize", () => { this.measure(); this.redraw(); });
    this.page(0);
    this.grow();
  }

  measure() {
    this.height = matchMedia("(max-width: 640px)").matches ? 56 : 38;
  }

  get view() { return this.box.clientHeight; }
  get whole() { return this.total * this.height; }
  get spread() { return Math.min(this.whole, TALLEST); }
  get scale() {
    return this.whole <= TALLEST ? 1 : (this.whole - this.view) / (this.spread - this.view);
  }

  async page(number) {
    if (this.pages.has(number)) return;
    this.pages.set(number, null);
    try {
      const answer = await this.load(number * PAGE, PAGE);
      this.pages.set(number, answer.rows);
      if (this.pages.size > KEPT_PAGES) this.forget(number);
      this.take(answer);
    } catch (error) {
      this.pages.delete(number);
      this.counted(this.total, this.complete, error.message);
      return;
    }
    for (let index = number * PAGE; index < (number + 1) * PAGE; index++) this.remove(index);
    this.draw();
  }

  forget(number) {
    for (const other of this.pages.keys()) {
      if (this.pages.size <= KEPT_PAGES) return;
      if (Math.abs(other - number) > 3) this.pages.delete(other);
    }
  }

  take(answer) {
    this.total = Math.max(this.total, answer.total);
    this.complete = answer.complete;
    this.spacer.style.height = `${this.spread}px`;
    this.box.style.height = `${Math.min(this.whole, TALLEST) + 2}px`;
    this.counted(this.total, this.complete, "");
  }

  // Long directories are counted on the server in steps; the list grows until that is done.
  async grow() {
    while (!this.complete) {
      await new Promise((done) => setTimeout(done, 150));
      try {
        this.take(await this.load(this.total, 0));
      } catch {
        return;
      }
      this.draw();
    }
  }

  scrolled() {
    const now = this.box.scrollTop;
    const moved = now - this.seen;
    this.seen = now;
    if (this.scale === 1) this.top = now;
    else if (now <= 0) this.top = 0;
    else if (now >= this.spread - this.view) this.top = this.whole - this.view;
    else if (Math.abs(moved) < this.view) this.top = this.bounded(this.top + moved);
    else this.top = this.bounded(now * this.scale);
    this.draw();
    clearTimeout(this.settling);
    if (this.scale !== 1) this.settling = setTimeout(() => this.settle(), 150);
  }

  bounded(top) {
    return Math.max(0, Math.min(top, this.whole - this.view));
  }

  // Puts the scroll bar where the list is, without moving what is seen.
  settle() {
    this.box.scrollTop = this.top / this.scale;
    this.seen = this.box.scrollTop;
    this.draw();
  }

  redraw() {
    for (const index of [...this.shown.keys()]) this.remove(index);
    this.spacer.style.height = `${this.spread}px`;
    this.draw();
  }

  draw() {
    const first = Math.max(0, Math.floor(this.top / this.height) - SPARE);
    const last = Math.min(this.total, Math.ceil((this.top + this.view) / this.height) + SPARE);
    for (const index of [...this.shown.keys()]) if (index < first || index >= last) this.remove(index);
    for (let index = first; index < last; index++) {
      const number = Math.floor(index / PAGE);
      this.page(number);
      const row = this.pages.get(number)?.[index % PAGE];
      let made = this.shown.get(index);
      if (!made) {
        made = this.make(row, index);
        made.id = `row-${index}`;
        made.setAttribute("aria-posinset", index + 1);
        made.setAttribute("aria-setsize", this.total);
        this.shown.set(index, made);
        this.box.append(made);
      }
      const top = this.scale === 1 ? index * this.height : index * this.height - this.top + this.seen;
      made.style.transform = `translateY(${top}px)`;
      made.setAttribute("aria-selected", String(index === this.cursor));
    }
    if (this.shown.has(this.cursor)) this.box.setAttribute("aria-activedescendant", `row-${this.cursor}`);
    else this.box.removeAttribute("aria-activedescendant");
  }

  remove(index) {
    this.shown.get(index)?.remove();
    this.shown.delete(index);
  }

  move(index) {
    this.cursor = Math.max(0, Math.min(index, this.total - 1));
    const top = this.cursor * this.height;
    let wanted = this.top;
    if (top < wanted) wanted = top;
    if (top + this.height > wanted + this.view) wanted = top + this.height - this.view;
    this.top = this.bounded(wanted);
    this.box.scrollTop = this.top / this.scale;
    this.seen = this.box.scrollTop;
    this.draw();
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const screen = Math.max(1, Math.floor(this.view / this.height) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1, PageDown: screen, PageUp: -screen };
    if (event.key in steps) this.move(this.cursor + steps[event.key]);
    else if (event.key === "Home") this.move(0);
    else if (event.key === "End") this.move(this.total - 1);
    else if (event.key === "Enter") this.shown.get(this.cursor)?.click();
    else return;
    event.preventDefault();
  }
}
