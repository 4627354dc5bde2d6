// The full picture, with its facts and nearest neighbors, or two versions of it compared.

const KEPT_PICTURES = 4;
const MODES = [["side", "Side by side"], ["difference", "Difference"], ["blink", "Blink"]];

class Viewer {
  /** host: {act(message), urlOf(id), tagsOf(id), apply(tag, ids), move(step), close(), tile(), kept()} */
  constructor(host) {
    this.host = host;
    this.mode = "side";
    this.pictures = new Map();  // id -> {content, url, full}
    this.element = make("div", { class: "fdnb-viewer", hidden: true, role: "dialog", "aria-label": "Picture", tabindex: "-1" });
  }

  get isOpen() { return !this.element.hidden; }

  /** Open on one image, or comparing it with *other*, the version that stays. */
  open(id, other, isFocused = true) {
    this.id = id;
    this.other = other && other !== id ? other : null;
    this.zoomed = false;
    this.element.hidden = false;
    for (const one of [this.id, this.other]) if (one) this.want(one, false);
    this.draw();
    if (isFocused) this.element.focus({ preventScroll: true });
  }

  /** Scroll until the picture is in view, and what stands above it from *top* on: it may have been opened from far below. */
  scrollTo(top) { for (const part of [this.element.querySelector(".fdnb-frame"), top]) part.scrollIntoView({ block: "nearest" }); }

  close() {
    this.element.hidden = true;
    this.stopBlink();
    for (const picture of this.pictures.values()) this.release(picture);
    this.pictures.clear();
    this.element.replaceChildren();
  }

  want(id, full) {
    const known = this.pictures.get(id);
    if (known && (known.full || !full)) return;
    this.host.act({ op: "open", id, full });
  }

  release(picture) { for (const url of [picture.url, ...picture.near]) if (url) URL.revokeObjectURL(url); }

  receive(content, buffers) {
    if (!this.isOpen || (content.id !== this.id && content.id !== this.other)) return;
    const known = this.pictures.get(content.id);
    if (known) this.release(known);
    let offset = 0;
    const [url, ...near] = content.sizes.map((length) => {
      const address = length ? toAddress(buffers[0], offset, length) : null;
      offset += length;
      return address;
    });
    this.pictures.set(content.id, { content, url, near, full: content.full });
    for (const [id, picture] of this.pictures) {
      if (this.pictures.size <= KEPT_PICTURES) break;
      if (id !== this.id && id !== this.other) { this.release(picture); this.pictures.delete(id); }
    }
    this.draw();
  }

  draw() {
    const hadFocus = this.element.contains(document.activeElement);
    this.stopBlink();
    this.element.replaceChildren(this.bar(), this.remarks(), this.other ? this.compare() : this.single());
    if (hadFocus) this.element.focus({ preventScroll: true });
  }

  /** What has to be said of the pictures: that a file has changed, that one is shown smaller than it is. */
  remarks() {
    const told = [this.other, this.id].filter(Boolean).flatMap((id) => (this.pictures.get(id)?.content.remarks ?? [])
      .map((remark) => make("p", { class: "fdnb-remark", text: this.other ? `${shortName(id)}: ${remark}` : remark })));
    return make("div", { role: "status" }, ...told);
  }

  bar() {
    const title = this.other ? make("b", { text: "Compare", title: this.id }) : makeName("b", "fdnb-viewer-name", this.id);
    const modes = this.other ? make("span", { class: "fdnb-modes", role: "group", "aria-label": "How to compare" },
      ...MODES.map(([mode, text]) => make("button", { text, "aria-pressed": String(this.mode === mode),
        onclick: () => { this.mode = mode; this.draw(); } }))) : null;
    const zoom = make("button", { text: this.zoomed && this.canZoom ? "Fit" : "100 %", title: "Whole picture or its own pixels (z)", disabled: !this.canZoom, onclick: () => this.zoom() });
    const together = this.host.kept() && this.host.kept() !== this.id
      ? make("button", { text: this.other ? "Alone" : "Compare", title: "This picture alone or beside the one that stays (c)", onclick: () => this.toggle() }) : null;
    return make("div", { class: "fdnb-viewer-bar" }, title, modes, make("span", { class: "fdnb-done" }, zoom, together,
      make("button", { text: "←", title: "Previous image", "aria-label": "Previous image", onclick: () => this.host.move(-1) }),
      make("button", { text: "→", title: "Next image", "aria-label": "Next image", onclick: () => this.host.move(1) }),
      make("button", { text: "Close", title: "Escape", onclick: () => this.host.close() })));
  }

  /** Laid over each other, two pictures are always fitted to one another. */
  get canZoom() { return !this.other || this.mode === "side"; }

  zoom() {
    if (!this.canZoom) return;
    this.zoomed = !this.zoomed;
    if (this.zoomed) for (const id of [this.id, this.other]) if (id) this.want(id, true);
    this.draw();
  }

  toggle() { const kept = this.host.kept(); this.open(this.id, this.other ? null : kept); }

  image(id, className = "") {
    const picture = this.pictures.get(id);
    if (picture && !picture.url) return make("p", { class: "fdnb-empty", text: `This picture cannot be shown. ${picture.content.problem}` });
    return make("img", { class: className, src: picture?.url ?? this.host.urlOf(id) ?? false, alt: id, draggable: "false" });
  }

  single() {
    const content = this.pictures.get(this.id)?.content;
    const frame = make("div", { class: `fdnb-frame${this.zoomed ? " fdnb-zoomed" : ""}`, onclick: () => this.zoom() }, this.image(this.id));
    const side = make("aside", { class: "fdnb-about" }, this.facts(this.id), this.tagLine(this.id));
    if (content?.neighbors.length) {
      side.append(make("h4", { text: "Nearest" }), make("div", { class: "fdnb-near" }, ...content.neighbors.map((near, i) =>
        make("button", { title: near.id, "aria-label": `Open ${near.id}`, onclick: () => this.open(near.id, null) },
          make("img", { src: this.pictures.get(this.id).near[i] ?? false, alt: "" }), make("small", { text: near.line })))));
    }
    return make("div", { class: "fdnb-single" }, frame, side);
  }

  facts(id, against) {
    const facts = this.pictures.get(id)?.content.facts ?? [["image", id]];
    const others = new Map(against ? this.pictures.get(against)?.content.facts ?? [] : []);
    return make("table", { class: "fdnb-facts-table" }, make("tbody", {}, ...facts.map(([name, value]) => {
      const differs = against && others.size && others.get(name) !== value && name !== "image" && name !== "path";
      return make("tr", {}, make("th", { scope: "row", text: name }), make("td", { class: differs ? "fdnb-differs" : false, text: value, title: differs ? "differs" : false }));
    })));
  }

  tagLine(id) { return make("p", { class: "fdnb-tagline" }, make("small", { text: this.tellTags(id), "data-image": id })); }

  tellTags(id) {
    const tags = this.host.tagsOf(id);
    return tags.length ? `tags: ${tags.join(", ")}` : "no tags";
  }

  drawTags() { for (const line of this.element.querySelectorAll("[data-image]")) line.textContent = visible(this.tellTags(line.dataset.image)); }

  compare() {
    const [kept, id] = [this.other, this.id];
    const zoomed = this.zoomed ? " fdnb-zoomed" : "";
    const column = (one, title, against) => make("div", { class: "fdnb-version" }, make("h4", { text: title }), this.facts(one, against), this.tagLine(one));
    let stage;
    if (this.mode === "side") {
      stage = make("div", { class: "fdnb-pair" }, make("div", { class: `fdnb-frame${zoomed}` }, this.image(kept)), make("div", { class: `fdnb-frame${zoomed}` }, this.image(id)));
      const [a, b] = stage.children;
      for (const [one, two] of [[a, b], [b, a]]) one.addEventListener("scroll", () => { two.scrollTop = one.scrollTop; two.scrollLeft = one.scrollLeft; });
    } else {
      stage = make("div", { class: "fdnb-pair fdnb-over" }, make("div", { class: "fdnb-frame" }, this.image(kept),
        this.image(id, this.mode === "difference" ? "fdnb-subtract" : "fdnb-top")));
      if (this.mode === "difference") stage.append(make("small", { class: "fdnb-which", text: "black where both are the same" }));
      if (this.mode === "blink") this.startBlink(stage.querySelector(".fdnb-top"), stage);
    }
    return make("div", { class: "fdnb-compare" }, stage, make("div", { class: "fdnb-versions" }, column(kept, "Stays", null), column(id, "Other", kept)));
  }

  startBlink(image, stage) {
    if (!image) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const word = make("small", { class: "fdnb-which" });
    const show = (on) => { image.style.visibility = on ? "visible" : "hidden"; word.textContent = on ? "other" : "stays"; };
    let on = true;
    stage.append(word);
    show(on);
    this.flip = () => show(on = !on);
    stage.addEventListener("click", () => this.flip());
    if (!still) this.timer = setInterval(this.flip, 600);
  }

  stopBlink() { clearInterval(this.timer); this.flip = null; }

  /** Returns whether the key was one of the viewer's. */
  key(event) {
    const key = event.key;
    if (key === "Escape") this.host.close();
    else if (key === "ArrowRight" || key === "ArrowDown") this.host.move(1);
    else if (key === "ArrowLeft" || key === "ArrowUp") this.host.move(-1);
    else if (key === "z") this.zoom();
    else if (key === "c" && this.host.kept()) this.toggle();
    else if (key === "m" && this.other) { this.mode = MODES[(MODES.findIndex(([m]) => m === this.mode) + 1) % MODES.length][0]; this.draw(); }
    else if (key === " " && this.flip) this.flip();
    else return false;
    return true;
  }
}

function shortName(id) { return id.split("/").pop() || id; }

const LETTERS = /\p{RI}{2}|.(?:[\p{M}\p{Emoji_Modifier}]|\u200d.)*/gsu;   // what is seen as one, which no cut may part
const IS_WIDE = /\p{sc=Han}|\p{sc=Hira}|\p{sc=Kana}|\p{sc=Hang}|\p{Extended_Pictographic}/u;
const END = 10;   // columns

/** The name of a file, which the style sheet cuts in the middle where it has no room: its end tells files apart. */
function makeName(tag, className, id) {
  const letters = visible(shortName(id)).match(LETTERS) ?? [];
  let [at, columns] = [letters.length, 0];
  while (at && (columns += IS_WIDE.test(letters[at - 1]) ? 2 : 1) <= END) at--;
  const parts = [letters.slice(0, at), letters.slice(at)].filter((part) => part.length);
  return make(tag, { class: `fdnb-cut ${className}`, title: id, dir: "auto" }, ...parts.map((part) => make("span", { text: part.join("") })));
}
