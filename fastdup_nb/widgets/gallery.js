// The gallery: a toolbar, a bar of tags, a grid of tiles or rows of tiles, and a viewer over it.

const SIZES = [["S", 96], ["M", 128], ["L", 176]];
const DIM_MS = 200;   // a page that comes at once shall not flicker
const HELP = [
  ["arrows", "move"], ["PageUp, PageDown", "turn the page"], ["Home, End", "first, last image of the page"],
  ["space, Ctrl + click", "select"], ["Shift + arrows, space or click", "extend the selection"], ["Ctrl or Cmd + A", "select the page"],
  ["Enter, click", "open"], ["Escape", "close, clear the selection"], ["1 to 9, 0", "give or take a tag"],
  ["k, d", "keep, drop"], ["n", "not duplicates"], ["o, r", "open, select the row"], ["Shift + d", "drop the others of the group"], ["u or Backspace", "undo"], ["Shift + u", "redo"],
  ["s", "skip, where labels are given"], ["c, m, z", "in a picture: compare, how, 100\u00a0%"], ["?", "this help"],
];

class GalleryView extends Grid {
  constructor(model, root) {
    super(model);
    const info = this.info;
    this.queued = [];        // labels that were pressed while the page was on its way
    this.opened = null;      // the tile that the viewer was opened on
    this.root = root;
    this.showTwins = hideTwins(model.get("_uid"));
    this.viewer = new Viewer({
      act: (message) => this.hub.act(message), urlOf: (id) => this.urlOf(id), tagsOf: (id) => this.hub.tags.get(id) ?? [],
      move: (step) => this.moveViewer(step), close: () => this.closeViewer(), kept: () => this.keptOf(this.tiles[this.at]?.tile),
    });
    this.build();
    this.hub.views.add(this);
    this.changes = {
      "change:page": () => { this.leaveViewer(); this.show(); }, "change:page_size": () => this.show(), "change:_query": () => { this.leaveViewer(); this.fillControls(); this.show(); },
      "change:thumbnail_size": () => this.resize(), "change:_palette": () => this.fillTags(), "change:_counts": () => this.fillFilter(),
      "change:_progress": () => this.fillProgress(), "change:code": () => { this.codeLine.textContent = model.get("code"); },
    };
    for (const [name, call] of Object.entries(this.changes)) model.on(name, call);
    this.widths = new ResizeObserver(() => this.fit());
    this.widths.observe(this.grid);
    this.fillControls(); this.fillTags(); this.fillFilter(); this.fillProgress(); this.resize();
    const isOpen = info.is_queue && model.get("page_size") === 1;   // one at a time is seen large
    if (info.is_queue && (info.start || isOpen)) this.arriving = { page: model.get("page"), place: info.start, isOpen };
    this.show();
    this.codeLine.textContent = model.get("code");
  }

  dispose() {
    this.hub.views.delete(this);
    this.viewer.close();
    this.showTwins?.();
    this.widths.disconnect();
    clearTimeout(this.dimming);
    for (const [name, call] of Object.entries(this.changes)) this.model.off(name, call);
  }

  // ---- building

  build() {
    const { root, info } = this;
    root.className = `fdnb-app fdnb-gallery${info.is_queue ? " fdnb-queue" : ""}`;
    root.setAttribute("role", "group");    // no landmark: there may be many in a notebook
    root.setAttribute("aria-label", info.title);
    keepKeys(root);
    root.addEventListener("keydown", (event) => this.key(event));
    this.search = make("input", { type: "search", placeholder: "Filter by path or label", "aria-label": "Filter by path or label", class: "fdnb-search" });
    let timer;
    this.search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => this.ask({ text: this.search.value }), 200); });
    this.tagFilter = make("select", { "aria-label": "Filter by tag", onchange: () => this.ask({ tag: this.tagFilter.value, snapshot: Date.now() }) });
    this.sort = make("select", { "aria-label": "Sort", hidden: !info.sorts.length, onchange: () => this.ask({ sort: this.sort.value }) },
      make("option", { value: "", text: "as found" }), ...info.sorts.map((name) => make("option", { value: name, text: name })));
    this.pageSize = make("select", { "aria-label": "Images on a page", title: "Images on a page", onchange: () => this.set({ page_size: Number(this.pageSize.value), page: 0 }) });
    this.sizes = make("span", { class: "fdnb-modes", role: "group", "aria-label": "Size of thumbnails" }, ...SIZES.map(([name, size]) =>
      make("button", { text: name, title: `Thumbnails of ${size} px`, "data-size": size, onclick: () => this.set({ thumbnail_size: size }) })));
    this.before = make("button", { text: "‹", "aria-label": "Previous page", title: "PageUp", onclick: () => this.turn(-1) });
    this.after = make("button", { text: "›", "aria-label": "Next page", title: "PageDown", onclick: () => this.turn(1) });
    this.number = make("input", { class: "fdnb-number", inputmode: "numeric", "aria-label": "Page", oninput: () => this.fetchTyped(), onchange: () => this.goTo(Number(this.number.value) - 1) });
    this.total = make("span", { class: "fdnb-total" });
    this.back = make("button", { class: "fdnb-back", text: "‹ All", hidden: true, onclick: () => this.ask({ row: -1 }, this.cameFrom ?? 0) });
    this.note = make("small", { class: "fdnb-count" });
    this.help = make("button", { text: "?", "aria-label": "Keys", "aria-expanded": "false", onclick: () => this.toggleHelp() });
    this.helpPanel = make("div", { class: "fdnb-help", hidden: true }, ...HELP.map(([keys, what]) => make("div", {}, make("kbd", { text: keys }), make("span", { text: what }))));
    this.grid = make("div", { class: "fdnb-grid" });
    this.grid.addEventListener("focusin", (event) => this.focused(event.target));
    this.progress = make("span");
    this.selectedNote = make("b", { class: "fdnb-selected" });
    this.tagBar = make("span", { class: "fdnb-tags" });
    this.status = make("span", { class: "fdnb-status", role: "status", "aria-live": "polite" });
    this.error = make("div", { class: "fdnb-error", role: "alert", hidden: true });
    this.codeLine = make("code", { tabindex: "0" });  // it scrolls
    const copy = make("button", { text: "Copy", title: "Copy this line of pandas", onclick: () => navigator.clipboard?.writeText(this.codeLine.textContent).then(() => this.say("copied")) });
    const said = info.is_queue ? null : make("span", { class: "fdnb-said" }, this.selectedNote, this.status);
    const back = make("span", { class: "fdnb-done" }, said, make("button", { text: "Undo", title: "u", onclick: () => this.hub.act({ op: "undo" }) }), make("button", { text: "Redo", title: "Shift + u", onclick: () => this.hub.act({ op: "redo" }) }));
    this.decide = make("div", { class: "fdnb-bar fdnb-decide", role: "toolbar", "aria-label": info.is_queue ? "Labels" : "Tags" }, this.tagBar, back);
    const progress = info.is_queue ? [make("div", { class: "fdnb-progress" }, this.progress, this.selectedNote, this.status)] : [];
    root.replaceChildren(
      make("div", { class: "fdnb-head" }, make("div", {}, make("b", { class: "fdnb-name", text: info.title }), make("span", { class: "fdnb-line", text: info.headline }), ...info.notes.map((text) => make("p", { class: "fdnb-note", text }))), this.help),
      make("div", { class: "fdnb-bar", role: "toolbar", "aria-label": "Page, filter and sort" }, this.back, this.search, this.tagFilter, this.sort, make("span", { class: "fdnb-gap" }),
        this.sizes, this.pageSize, make("span", { class: "fdnb-pages" }, this.note, this.before, this.number, this.total, this.after)),
      ...progress, this.decide, this.helpPanel, this.error, this.grid, this.viewer.element,
      make("div", { class: "fdnb-code" }, this.codeLine, copy),
    );
  }

  fillControls() {
    const query = this.model.get("_query");
    if (document.activeElement !== this.search) this.search.value = query.text;
    this.sort.value = query.sort;
    this.sort.disabled = query.row >= 0;
    this.back.hidden = query.row < 0;
    this.back.textContent = `‹ All ${this.info.row_noun[1]}`;
    this.fillFilter();
  }

  fillFilter() {
    const [counts, query] = [this.model.get("_counts"), this.model.get("_query")];
    const entry = (value, text) => make("option", { value, text, selected: value === query.tag });
    const tags = Object.entries(counts).filter(([tag]) => tag);
    const options = [entry("", "all tags"), entry("untagged", `untagged (${(counts[""] ?? 0).toLocaleString("en")})`),
      entry("tagged", "any tag"), entry("selected", "selected"), ...tags.map(([tag, n]) => entry(`=${tag}`, `${tag} (${n.toLocaleString("en")})`))];
    if (query.tag.startsWith("=") && !tags.some(([tag]) => `=${tag}` === query.tag)) options.push(entry(query.tag, `${query.tag.slice(1)} (0)`));
    this.tagFilter.replaceChildren(...options);
  }

  fillTags() {
    this.palette = this.model.get("_palette");
    const verb = this.info.is_queue ? "Label" : "Tag";
    this.tagBar.replaceChildren(...this.palette.map(({ name, color, key }) => make("button", { class: "fdnb-tag", "data-tag": name, "aria-pressed": "false", title: `${verb} "${name}"${key ? ` (${key})` : ""}`, onclick: () => this.apply(name) },
      swatch(color), make("span", { text: name }), key ? make("kbd", { text: key }) : null)));
    if (this.info.is_comparable) this.tagBar.append(make("button", { text: "not duplicates", title: "n", onclick: () => this.reject() }));
    for (const { tile, element } of this.tiles) this.paint(tile, element);
    this.paintTags();
  }

  /** A tag is pressed where all have it that it would be given to, as far as they are in view. */
  paintTags() {
    const ids = this.targetIds();
    const isPressed = (tag) => ids.length > 0 && ids.every((id) => (this.hub.tags.get(id) ?? []).includes(tag));
    for (const button of this.tagBar.querySelectorAll("[data-tag]")) button.setAttribute("aria-pressed", String(isPressed(button.dataset.tag)));
  }

  fillProgress() {
    const progress = this.model.get("_progress");
    if (!this.info.is_queue) return;
    this.progress.replaceChildren(make("progress", { max: progress.n_images, value: progress.n_done, "aria-label": "Progress" }), make("small", { text: progress.text }));
  }

  // ---- pages

  keyOf(page) { return JSON.stringify([this.model.get("_query"), this.model.get("page_size"), page]); }

  request(page) { this.hub.ask(this.keyOf(page), this.model.get("_query"), page, this.model.get("page_size")); }

  show() {
    const page = this.model.get("page");
    const known = this.hub.pages.get(this.keyOf(page));
    this.grid.setAttribute("aria-busy", String(!known));
    this.grid.classList.remove("fdnb-waiting");
    clearTimeout(this.dimming);
    if (!known) {
      this.dimming = setTimeout(() => this.grid.classList.add("fdnb-waiting"), DIM_MS);
      this.request(page);
      return;
    }
    if (known.content.page !== page) { this.set({ page: known.content.page }); return; }
    this.draw(known);
    this.fetchAhead(page, known.content.n_pages);
  }

  /** Ask for the next two pages in the direction of travel, and the one behind, once the pictures of this one are seen. */
  async fetchAhead(page, nPages) {
    const step = page < (this.seen ?? 0) ? -1 : 1;
    this.seen = page;
    await Promise.allSettled([...this.grid.querySelectorAll("img")].map((picture) => picture.decode()));
    if (page !== this.model.get("page")) return;
    for (const near of [page + step, page - step, page + 2 * step]) if (near >= 0 && near < nPages) this.request(near);
  }

  /** Ask for a page while its number is being typed. */
  fetchTyped() {
    const page = Number(this.number.value) - 1;
    if (Number.isInteger(page) && page >= 0 && page < (this.nPages ?? 1)) this.request(page);
  }

  draw({ content, urls }) {
    if (!this.hub.pending.size) this.error.hidden = true;
    this.current = { content, urls };
    this.showTwins ??= hideTwins(this.model.get("_uid"));
    this.setAnchor(null);
    const active = document.activeElement;
    const hadFocus = this.grid.contains(active) || (active === this.before && content.page === 0) || active === this.back
      || (active === this.after && content.page + 1 >= content.n_pages) || this.refocus;
    this.refocus = false;
    this.nPages = content.n_pages;
    this.number.value = content.page + 1;
    this.total.textContent = `of ${content.n_pages.toLocaleString("en")}`;
    this.before.disabled = content.page === 0;
    this.after.disabled = content.page + 1 >= content.n_pages;
    this.showPageSize(this.model.get("page_size"));
    this.note.textContent = content.n_tiles ? content.note : "";
    this.drawRows(content);
    this.at = Math.min(this.at, Math.max(0, this.tiles.length - 1));
    this.tiles[this.at]?.element.setAttribute("tabindex", "0");
    if (hadFocus) (this.tiles[this.at]?.element ?? this.search).focus({ preventScroll: true });
    this.paintSelection();
    this.arrive(content.page);
  }

  showPageSize(size) {
    if (this.pageSize.value === String(size)) return;
    const sizes = [...new Set([...this.info.page_sizes, size])].sort((a, b) => a - b);
    this.pageSize.replaceChildren(...sizes.map((one) => make("option", { value: one, text: `${one} a page`, selected: one === size })));
  }

  arrive(page) {
    if (this.arriving?.page !== page || !this.tiles.length) return;
    const { place, isOpen } = this.arriving;
    this.arriving = null;
    this.at = place < 0 ? this.tiles.length - 1 : Math.min(place, this.tiles.length - 1);
    const isFocused = this.root.contains(document.activeElement) || document.activeElement === document.body;
    if (isOpen) this.openTile(isFocused);
    else if (isFocused) this.focus(this.at);
    else this.waitAt(this.tiles[this.at].element);
    const queued = this.queued;
    this.queued = [];
    for (const tag of queued) this.apply(tag);
  }

  /** Be at a tile without taking the focus, which is elsewhere in the notebook. */
  waitAt(element) {
    this.focused(element);
    this.grid.scrollTop = Math.max(0, element.offsetTop + element.offsetHeight - this.grid.offsetTop - this.grid.clientHeight);
  }

  urlOf(id) { return this.current?.urls.get(id); }

  // ---- what comes from the kernel

  hear(kind, content, buffers) {
    if (kind === "page" && content === this.keyOf(this.model.get("page"))) this.show();
    else if (kind === "late") { if (content === this.keyOf(this.model.get("page")) && !this.hub.pages.has(content)) this.late(); }
    else if (kind === "tags") { this.say(content.text); if (content.again) this.show(); this.repaint(); }
    else if (kind === "done") { if (this.unanswered && this.grid.ariaBusy === "false") { this.unanswered = false; this.error.hidden = true; } this.repaint(); this.paintSelection(); }
    else if (kind === "unanswered") { this.unanswered = true; this.fail(`The kernel is busy or gone: ${content} of what was pressed is not stored yet.`); }
    else if (kind === "lost") { this.fail("No kernel answers, so what was pressed is not stored. Run the cell again."); this.repaint(); }
    else if (kind === "selection") this.paintSelection();
    else if (kind === "status") this.say(content.text);
    else if (kind === "picture") { this.hub.tagsAre({ [content.id]: content.tags }); this.viewer.receive(content, buffers); }
    else if (kind === "error") this.fail(content.text);
  }

  late() {
    if (this.hub.heard) { this.unanswered = true; this.fail("The kernel is busy; this page comes when it is done."); return; }
    this.fail("No kernel answers: run the cell to bring this gallery to life.");
    if (this.current) return;
    this.showTwins?.();
    this.showTwins = null;
  }

  repaint() {
    for (const { tile, element } of this.tiles) this.paint(tile, element);
    if (this.viewer.isOpen) this.viewer.drawTags();
    this.paintTags();
  }

  fail(text) { this.error.hidden = false; this.error.textContent = text.split("\n").map(visible).join("\n"); }

  say(text) { this.status.textContent = this.status.title = visible(text); }

  // ---- what the person does

  set(values) { for (const [name, value] of Object.entries(values)) this.model.set(name, value); this.model.save_changes(); }

  ask(changes, page = 0) {
    if (this.viewer.isOpen) this.closeViewer(this.viewer.element.contains(document.activeElement));
    this.refocus = this.root.contains(document.activeElement) && !document.activeElement.matches("input, select");
    this.at = 0;
    this.set({ _query: { ...this.model.get("_query"), snapshot: Date.now(), ...changes }, page });
  }

  turn(step) { this.goTo(this.model.get("page") + step); }

  goTo(page) {
    const to = Math.min(Math.max(0, Number.isFinite(page) ? Math.round(page) : this.model.get("page")), (this.nPages ?? 1) - 1);
    if (to !== this.model.get("page")) this.set({ page: to }); else this.number.value = to + 1;
  }

  openRow(row) { this.cameFrom = this.model.get("page"); this.ask({ row }); }

  /** What a tag applies to: the picture that is open, else all that is selected, else the tile in focus. */
  targets() {
    const tile = this.tiles[this.at]?.tile;
    if (this.viewer.isOpen) return { ids: [this.viewer.id] };
    if (this.hub.nSelected) return { selected: true };
    return tile ? { items: [tile.i] } : null;
  }

  /** Those of them that are on this page. */
  targetIds() {
    const targets = this.targets();
    if (!targets || targets.ids) return targets?.ids ?? [];
    return this.tiles.filter(({ tile }) => (targets.selected ? this.hub.selected.has(tile.id) : targets.items.includes(tile.i))).map(({ tile }) => tile.id);
  }

  apply(tag) {
    if (this.arriving || this.grid.getAttribute("aria-busy") === "true") {
      if (this.info.is_queue && this.arriving) this.queued.push(tag); else this.say("wait for the page");
      return;
    }
    const targets = this.targets();
    if (!targets) return;
    const ids = this.targetIds();
    const has = (id) => (this.hub.tags.get(id) ?? []).includes(tag);
    const all = ids.length > 0 && ids.every(has) && !this.info.is_queue;
    const against = this.info.is_queue ? this.palette.map(({ name }) => name) : [{ keep: "drop", drop: "keep" }[tag]];
    for (const id of ids) {
      const others = (this.hub.tags.get(id) ?? []).filter((one) => one !== tag && (all || !against.includes(one)));
      this.hub.tags.set(id, all ? others : [...others, tag]);
    }
    for (const view of this.hub.views) view.repaint();
    this.hub.act({ op: "tag", tag, ...(ids.length ? { on: !all } : {}), ...targets });
    if (this.info.is_queue) this.goOn(targets);
  }

  /** In a queue: to the next image; past the last one of the page, to the next page. */
  goOn(targets) {
    if (targets.selected) { this.select([], "set"); return; }
    if (this.viewer.isOpen) this.moveViewer(1);
    else if (this.at + 1 < this.tiles.length) this.focus(this.at + 1);
    else this.turnTo(1, 0, false);
  }

  /** Turn the page, and then be at its first (0) or last (-1) image, opened or not. */
  turnTo(step, place, isOpen) {
    const to = this.model.get("page") + step;
    if (to < 0 || to >= this.nPages) { this.say(step > 0 ? "this was the last image" : "this was the first image"); return; }
    this.arriving = { page: to, place, isOpen };
    this.goTo(to);
  }

  reject() {
    if (!this.info.is_comparable || !this.tiles[this.at]) return;
    if (!this.viewer.isOpen) { this.hub.act({ op: "reject", ...this.targets() }); return; }
    if (this.viewer.id === this.opened?.id) this.hub.act({ op: "reject", items: [this.opened.i] });
    else this.say("n judges the images of a group; this is a neighbor");
  }

  /** The image that stands for the group of a tile, unless it is the tile itself. */
  keptOf(tile) { return tile && this.info.is_comparable && tile.kept && tile.kept !== tile.id ? tile.kept : null; }

  /** The row of the tile in focus, -1 where there are none. */
  get rowInFocus() { return this.current?.content.rows.find(({ tiles }) => tiles.some(({ i }) => i === this.tiles[this.at]?.tile.i))?.row ?? -1; }

  openTile(isFocused = true) {
    const tile = this.tiles[this.at]?.tile;
    if (!tile) return;
    const isHere = this.root.contains(document.activeElement);
    this.opened = tile;
    this.grid.hidden = true;
    this.viewer.open(tile.id, this.keptOf(tile), isFocused);
    if (isHere) this.viewer.scrollTo(this.decide);
  }

  moveViewer(step) {
    const to = this.at + step;
    if (to < 0 || to >= this.tiles.length) { this.turnTo(step, step > 0 ? 0 : -1, true); return; }
    this.at = to;
    this.opened = this.tiles[to].tile;
    this.viewer.open(this.opened.id, this.viewer.other ? this.keptOf(this.opened) : null);
  }

  /** Another page or query came under the open picture, from another view or from Python. */
  leaveViewer() { if (this.viewer.isOpen && !this.arriving?.isOpen) this.closeViewer(false); }

  closeViewer(isFocused = true) {
    this.viewer.close();
    this.grid.hidden = false;
    if (isFocused) this.focus(this.at);
  }

  toggleHelp() {
    this.helpPanel.hidden = !this.helpPanel.hidden;
    this.help.setAttribute("aria-expanded", String(!this.helpPanel.hidden));
  }

  key(event) {
    if (event.key === "Escape" && !this.helpPanel.hidden) { this.toggleHelp(); event.preventDefault(); return; }
    if (event.target.matches("input, select")) { if (event.key === "Escape") this.focus(this.at); return; }
    const { key } = event;
    const control = event.ctrlKey || event.metaKey;
    if (event.altKey || (control && key.toLowerCase() !== "a")) return;
    if (event.target.matches("button") && (key === "Enter" || key === " ")) return;
    let used = true;
    if (this.viewer.isOpen && this.viewer.key(event)) used = true;
    else if (/^[0-9]$/.test(key)) { const tag = this.palette.find((one) => one.key === key); if (tag) this.apply(tag.name); }
    else if (this.info.is_queue && "kdn".includes(key)) used = false;
    else if (this.info.is_queue && key === "s") this.apply("skipped");
    else if (key === "u" || key === "Backspace") this.hub.act({ op: "undo" });
    else if (key === "U") this.hub.act({ op: "redo" });
    else if (key === "k") this.apply("keep");
    else if (key === "d") this.apply("drop");
    else if (key === "n") this.reject();
    else if (key === "?") this.toggleHelp();
    else if (this.viewer.isOpen) used = false;
    else if (key === "PageDown") this.turn(1);
    else if (key === "PageUp") this.turn(-1);
    else if (control) this.select(this.tiles.map(({ tile }) => tile), "add");
    else if (key === "Enter") this.openTile();
    else if (key === "o" && this.rowInFocus >= 0) this.openRow(this.rowInFocus);
    else if (key === "r" && this.rowInFocus >= 0) this.hub.act({ op: "select", mode: "add", row: this.rowInFocus });
    else if (key === "D" && this.rowInFocus >= 0 && this.info.is_comparable) this.hub.act({ op: "drop_others", row: this.rowInFocus });
    else if (key === "Escape") { if (this.hub.nSelected) this.select([], "set"); else used = false; }
    else if (key === " ") { if (event.shiftKey) this.extend(this.at); else { this.toggle([this.at]); this.setAnchor(this.at); } }
    else used = this.move(event);
    if (used) event.preventDefault();
  }

}


export default {
  initialize({ model }) {
    const hub = hubOf(model);
    const query = model.get("_query");
    const [page, size] = [model.get("page"), model.get("page_size")];
    hub[model.get("_is_sent") ? "expect" : "ask"](JSON.stringify([query, size, page]), query, page, size);
    hub.viewed = hideComingTwins(model.get("_uid"));
    return () => { hub.viewed(); closeHub(model.get("_uid")); };
  },
  render({ model, el }) {
    const root = make("div");
    el.append(root);
    const view = new GalleryView(model, root);
    view.hub.viewed?.();
    return () => view.dispose();
  },
};
