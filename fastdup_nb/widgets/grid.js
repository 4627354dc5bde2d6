// The grid of a gallery: tiles or rows of tiles, the one in focus, those selected. A gallery view is one with tools around it.

const FEWEST = 6;   // images of a row, on however many lines; more where there is room for them side by side

class Grid {
  constructor(model) {
    this.model = model;
    this.hub = hubOf(model);
    this.info = model.get("_info");
    this.at = 0;             // place of the tile in focus, on this page
    this.tiles = [];         // [{tile, element}] of this page
    this.across = FEWEST;    // so many tiles of a row have room side by side
    this.setAnchor(null);
  }

  // ---- drawing

  /** Draw the rows of a page. ARIA counts rows over all pages; single tiles are a row a page. */
  drawRows(content) {
    this.tiles = [];
    const rows = content.rows.map((row) => this.cut(row));
    const inRows = rows.some((row) => row.row >= 0);
    const wide = Math.max(1, ...rows.map((row) => row.tiles.length)) + (inRows ? 1 : 0);
    this.grid.classList.toggle("fdnb-single-tiles", !inRows);
    const counts = { role: "grid", "aria-label": this.info.title, "aria-multiselectable": "true", "aria-rowcount": inRows ? content.n_units : content.n_pages, "aria-colcount": wide };
    for (const [name, value] of Object.entries(counts)) if (content.n_tiles) this.grid.setAttribute(name, value); else this.grid.removeAttribute(name);
    const first = inRows ? content.first : content.page;
    this.grid.replaceChildren(...(content.n_tiles ? rows.map((row, i) => this.row(row, first + i + 1)) : [make("p", { class: "fdnb-empty", text: content.note })]));
  }

  /** What is drawn of a row. */
  cut(row) {
    const n = row.row < 0 ? row.tiles.length : Math.max(FEWEST, this.across);
    return { ...row, tiles: row.tiles.slice(0, n), n_more: (row.n_more ?? 0) + Math.max(0, row.tiles.length - n) };
  }

  row(row, number) {
    const cells = make("div", { class: "fdnb-cells", style: `--n-tiles: ${row.tiles.length}` }, ...row.tiles.map((tile, i) => this.tile(tile, i + (row.row < 0 ? 1 : 2))));
    if (row.row < 0) { cells.setAttribute("role", "row"); cells.setAttribute("aria-rowindex", number); return cells; }
    const all = (row.tiles.length + row.n_more).toLocaleString("en");
    const tools = make("div", { class: "fdnb-row-tools" }, make("button", { text: row.n_more ? `Open all ${all}` : "Open", title: "Page through all images of this row (o)", tabindex: "-1", onclick: () => this.openRow(row.row) }),
      make("button", { text: "Select", title: `Select all ${all} (r)`, tabindex: "-1", onclick: () => this.hub.act({ op: "select", mode: "add", row: row.row }) }));
    if (this.info.is_comparable) tools.append(make("button", { text: "Drop the others", title: "Tag all but the marked one \"drop\" (Shift + d)", tabindex: "-1", onclick: () => this.hub.act({ op: "drop_others", row: row.row }) }));
    const words = make("div", { class: "fdnb-row-words", role: "rowheader", "aria-colindex": 1 }, make("b", { text: row.title }), row.badge ? make("span", { class: "fdnb-badge", text: row.badge }) : null, row.note ? make("small", { text: row.note }) : null, tools);
    return make("div", { class: "fdnb-group", role: "row", "aria-rowindex": number }, words, cells);
  }

  tile(tile, column) {
    const element = make("div", { class: "fdnb-tile", role: "gridcell", tabindex: "-1", "aria-colindex": column, "data-place": this.tiles.length });
    const picture = (id, problem) => {
      const address = this.current.urls.get(id);
      return address ? make("img", { src: address, alt: id, draggable: "false" }) : make("span", { class: "fdnb-none", text: problem || "no picture", title: problem || null });
    };
    element.append(make("div", { class: "fdnb-pics" }, make("div", { class: "fdnb-pic" }, picture(tile.id, tile.problem), tile.mark ? make("span", { class: "fdnb-mark", text: tile.mark }) : null, make("span", { class: "fdnb-check", "aria-hidden": "true", title: "Select (space)", text: "✓" })),
      tile.beside ? make("div", { class: "fdnb-pic fdnb-beside", title: tile.beside }, picture(tile.beside)) : null));
    element.append(makeName("div", "fdnb-id", tile.id));
    for (const line of tile.lines) element.append(make("small", { text: line }));
    if (tile.beside) element.append(make("small", { text: tile.beside_line, title: tile.beside }));
    element.append(make("div", { class: "fdnb-chips" }));
    element.addEventListener("click", (event) => this.click(event, Number(element.dataset.place)));
    this.tiles.push({ tile, element });
    this.paint(tile, element);
    return element;
  }

  paint(tile, element) {
    const tags = this.hub.tags.get(tile.id) ?? tile.tags;
    const chips = tags.map((tag) => make("span", { class: "fdnb-chip" }, swatch(this.palette.find(({ name }) => name === tag)?.color ?? "gray"), make("span", { text: tag })));
    if (tile.is_rejected) chips.push(make("span", { class: "fdnb-chip", text: "not a duplicate" }));
    element.querySelector(".fdnb-chips").replaceChildren(...chips);
    element.classList.toggle("fdnb-dropped", tags.includes("drop"));
    element.setAttribute("aria-label", visible([tile.id, tile.mark, tile.problem, ...tile.lines, tile.beside ? `${tile.beside_line}: ${tile.beside}` : "", tags.length ? `tags: ${tags.join(", ")}` : ""].filter(Boolean).join(", ")));
  }

  paintSelection() {
    for (const { tile, element } of this.tiles) element.setAttribute("aria-selected", String(this.hub.selected.has(tile.id)));
    const [n, nHidden] = [this.hub.nSelected, this.hub.nHidden];
    const elsewhere = n - nHidden - this.tiles.filter(({ tile }) => this.hub.selected.has(tile.id)).length;
    const asides = [[elsewhere, "not on this page"], [nHidden, "hidden by the filter: keys leave them alone"]]
      .filter(([count]) => count > 0).map(([count, words]) => `${count.toLocaleString("en")} ${words}`);
    this.selectedNote.textContent = this.selectedNote.title = n ? `${n.toLocaleString("en")} selected${asides.length ? ` (${asides.join(", ")})` : ""}` : "";
    this.paintTags();
  }

  resize() {
    const size = this.model.get("thumbnail_size");
    this.root.style.setProperty("--size", `${size}px`);
    for (const button of this.sizes.children) button.setAttribute("aria-pressed", String(Number(button.dataset.size) === size));
    this.fit();
  }

  /** Find how many tiles of a row stand side by side, tell the style sheet, and draw as many. */
  fit() {
    const cells = this.grid.querySelector(".fdnb-group .fdnb-cells");
    const pitch = (cells?.firstChild?.offsetWidth ?? 0) + 4;
    if (pitch === 4) return;
    const words = cells.previousSibling;
    const isBeside = words.offsetTop === cells.offsetTop;
    const width = cells.parentElement.clientWidth - 20 - (isBeside ? words.offsetWidth + 8 : 0);
    this.root.style.setProperty("--pitch", `${pitch}px`);
    const [before, across] = [this.across, Math.max(1, Math.floor((width + 4) / pitch))];
    this.root.style.setProperty("--n-across", across);
    this.across = across;
    if (Math.max(FEWEST, before) !== Math.max(FEWEST, across)) this.draw(this.current);
  }

  // ---- focus

  focused(target) {
    const cell = target.closest(".fdnb-tile") ?? target.closest(".fdnb-group")?.querySelector(".fdnb-tile");
    if (!cell) return;
    for (const before of this.grid.querySelectorAll('.fdnb-tile[tabindex="0"]')) before.setAttribute("tabindex", "-1");
    this.at = Number(cell.dataset.place);
    cell.setAttribute("tabindex", "0");
    this.paintTags();
  }

  focus(place) {
    this.tiles[place]?.element.focus({ preventScroll: true });
    this.tiles[place]?.element.scrollIntoView({ block: "nearest" });
    if (this.info.is_queue) this.decide.scrollIntoView({ block: "nearest" });
  }

  /** Move by an arrow key; returns whether it was one. */
  move(event) {
    const last = this.tiles.length - 1;
    const to = { ArrowRight: this.at + 1, ArrowLeft: this.at - 1, Home: 0, End: last, ArrowDown: this.below(1), ArrowUp: this.below(-1) }[event.key];
    if (to === undefined) return false;
    const place = Math.min(Math.max(to, 0), last);
    if (event.shiftKey) this.extend(place); else this.setAnchor(null);
    this.focus(place);
    return true;
  }

  /** The place of the tile above or below the one in focus. */
  below(step) {
    const box = (place) => this.tiles[place].element.getBoundingClientRect();
    if (!this.tiles.length) return 0;
    const here = box(this.at);
    let [best, distance] = [this.at, Infinity];
    for (let place = this.at + step; place >= 0 && place < this.tiles.length; place += step) {
      const there = box(place);
      const down = (there.top - here.top) * step;
      if (down < here.height / 3) continue;
      if (down > distance + here.height / 3) break;
      const across = Math.abs(there.left - here.left);
      if (distance === Infinity || across < Math.abs(box(best).left - here.left)) { best = place; distance = Math.min(distance, down); }
    }
    return best;
  }

  // ---- selection

  click(event, place) {
    if (event.shiftKey) { this.extend(place); this.focus(place); return; }
    this.focus(place);
    if (event.ctrlKey || event.metaKey || event.target.closest(".fdnb-check")) { this.toggle([place]); this.setAnchor(place); return; }
    this.setAnchor(null);
    if (event.target.closest(".fdnb-pic")) this.openTile();
  }

  /** Where a range begins that Shift extends; null is wherever the focus is by then. */
  setAnchor(place) { [this.anchor, this.range, this.base] = [place, null, null]; }

  toggle(places) {
    const items = places.map((place) => this.tiles[place].tile);
    this.select(items, items.every((tile) => this.hub.selected.has(tile.id)) ? "remove" : "add");
  }

  /** Select from the anchor to a place; what an earlier range took in and this one does not is as it was before. */
  extend(place) {
    this.anchor ??= this.at;
    this.base ??= new Set(this.hub.selected);
    const range = [Math.min(this.anchor, place), Math.max(this.anchor, place)];
    const isIn = (bounds, i) => bounds !== null && i >= bounds[0] && i <= bounds[1];
    const chosen = this.tiles.map(({ tile }, i) => ({ tile, i, has: this.hub.selected.has(tile.id) }));
    const gone = chosen.filter(({ tile, i, has }) => has && isIn(this.range, i) && !isIn(range, i) && !this.base.has(tile.id));
    const come = chosen.filter(({ i, has }) => !has && isIn(range, i));
    this.range = range;
    if (gone.length) this.select(gone.map(({ tile }) => tile), "remove");
    if (come.length) this.select(come.map(({ tile }) => tile), "add");
  }

  select(tiles, mode) {
    if (mode === "set") { this.hub.selected.clear(); [this.hub.nSelected, this.hub.nHidden] = [0, 0]; }
    for (const tile of tiles) {
      const had = this.hub.selected.has(tile.id);
      if (mode === "remove") { if (had) this.hub.nSelected--; this.hub.selected.delete(tile.id); } else { if (!had) this.hub.nSelected++; this.hub.selected.add(tile.id); }
    }
    this.hub.tell("selection");
    this.hub.act({ op: "select", mode, items: tiles.map((tile) => tile.i) });
  }
}

function swatch(color) {
  const element = make("i", { class: "fdnb-swatch", "aria-hidden": "true" });
  element.style.background = /^#[0-9a-f]{3,8}$/i.test(color) ? color : "gray";
  return element;
}
