// The parts of a map around its canvas: tools, tags, legend, status and help. Names are hostile: only ever text.

/** Shorten a name in its middle: names of one collection often begin alike. */
function shortenName(name, most) {
  const half = Math.floor(most / 2);
  return name.length > most ? `${name.slice(0, half - 1)}…${name.slice(-half)}` : name;
}

/** Build the parts; `act` has what the controls do. Returns them with `show(state, {select})`. */
function buildMap(act) {
  const button = (text, title, onclick, more = {}) => make("button", { type: "button", text, title, onclick, ...more });
  const modes = {
    pan: button("Pan", "Drag to move (p)", () => act.setMode("pan")),
    lasso: button("Lasso", "Draw around images to select them (l)", () => act.setMode("lasso")),
    box: button("Box", "Drag a box to select images (b)", () => act.setMode("box")),
  };
  const colors = make("select", { "aria-label": "Color by", onchange: () => act.recolor(colors.value) });
  const tilesButton = button("Thumbnails", "Show thumbnails where they fit (t)", () => act.toggleTiles(), { "aria-pressed": "true" });
  const helpButton = button("?", "Keys and mouse (?)", () => act.toggleHelp(), { "aria-label": "Help", "aria-expanded": "false" });
  const title = make("strong", { class: "fdnb-map-title" });
  const bar = make("div", { class: "fdnb-map-bar", role: "toolbar", "aria-label": "Map tools" },
    title,
    make("span", { class: "fdnb-map-group", role: "group", "aria-label": "Mode" }, ...Object.values(modes)),
    make("span", { class: "fdnb-map-group", role: "group", "aria-label": "Zoom" },
      button("−", "Zoom out (−)", () => act.zoom(1 / 1.5), { "aria-label": "Zoom out" }),
      button("+", "Zoom in (+)", () => act.zoom(1.5), { "aria-label": "Zoom in" }),
      button("Fit", "Show everything (Home)", () => act.home())),
    tilesButton,
    make("span", { class: "fdnb-map-color" }, make("span", { text: "Color", "aria-hidden": "true" }), colors, helpButton));
  const tagBar = make("div", { class: "fdnb-map-tags", role: "toolbar", "aria-label": "Tags" });
  const canvas = make("canvas", { tabindex: "0", role: "application", "aria-roledescription": "map" });
  const tipImage = make("img", { alt: "", hidden: true }), tipName = make("div", { class: "fdnb-map-tip-name" });
  const tipGroup = make("div", { class: "fdnb-map-tip-group" }), tipText = make("div", { class: "fdnb-map-tip-text" });
  const tip = make("div", { class: "fdnb-map-tip", hidden: true, "aria-hidden": "true" },
    tipImage, make("div", { class: "fdnb-map-tip-words" }, tipName, tipGroup, tipText));
  const hint = make("div", { class: "fdnb-map-hint", hidden: true, text: "Click the map, then the wheel zooms" });
  const banner = make("div", { class: "fdnb-map-banner", role: "alert", hidden: true,
    text: "No answer from the kernel: it is busy, or there is none. Run the cell again." });
  const empty = make("div", { class: "fdnb-map-empty", hidden: true, text: "There is no image to lay out." });
  const help = make("div", { class: "fdnb-map-help", hidden: true, role: "region", "aria-label": "Help" },
    make("strong", { text: "Keys work while the map has the focus" }),
    make("dl", {}, ...KEYS.flatMap(([keys, what]) => [make("dt", { text: keys }), make("dd", { text: what })])));
  const stage = make("div", { class: "fdnb-map-stage" }, canvas, hint, empty, banner, tip, help);
  const legend = make("div", { class: "fdnb-map-legend", role: "group", "aria-label": "Legend" });
  const status = make("span", { class: "fdnb-map-status", role: "status", "aria-live": "polite" });
  const notes = make("span", { class: "fdnb-map-notes" });
  const root = make("div", { class: "fdnb-app fdnb-map" }, bar, tagBar,
    make("div", { class: "fdnb-map-body" }, stage, legend),
    make("div", { class: "fdnb-map-foot" }, status, notes));

  function showTags(state) {
    const key = JSON.stringify([state.tags, !state.n_selected]);
    tagBar.hidden = !state.has_tags;
    if (tagBar.dataset.shown === key) return;
    tagBar.dataset.shown = key;
    const styled = (tag) => {
      const made = button("", tag.key ? `Tag or untag the selection (${tag.key})` : "Tag or untag the selection", () => act.tag(tag.name),
        { disabled: !state.n_selected, class: "fdnb-map-tag" });
      made.append(make("span", { class: "fdnb-map-swatch", style: `--swatch: ${/^#[0-9a-f]{6}$/i.test(tag.color) ? tag.color : "transparent"}` }),
        make("span", { class: "fdnb-map-name", text: tag.name }), ...(tag.key ? [make("kbd", { text: tag.key })] : []));
      return made;
    };
    const told = state.tags.length ? [] : [make("span", { class: "fdnb-map-none", text: "No tags yet: ds.tags.palette names them." })];
    tagBar.replaceChildren(...told, ...state.tags.map(styled), make("span", { class: "fdnb-map-group" },
      button("Undo", "Undo the last tag (u)", () => act.step("undo")), button("Redo", "Redo it (Shift-u)", () => act.step("redo"))));
  }

  function showLegend(state, select) {
    const { kind, title: name, entries, low, high, ramp } = state.legend;
    const key = JSON.stringify([state.legend, state.n]);
    if (legend.dataset.shown === key) return;
    legend.dataset.shown = key;
    const row = (entry, i) => make("button", { type: "button", class: "fdnb-map-entry", title: `Select ${entry.name}`, onclick: (event) => select(i, event) },
      make("span", { class: "fdnb-map-swatch", style: `--swatch: ${entry.color}` }),
      make("span", { class: "fdnb-map-name", text: shortenName(entry.name, 40) }), make("span", { class: "fdnb-map-count", text: entry.count.toLocaleString("en") }));
    const scale = () => [
      make("div", { class: "fdnb-map-ramp", role: "img", "aria-label": `from ${low} to ${high}`, style: `background: linear-gradient(to right, ${ramp.join(", ")})` }),
      make("div", { class: "fdnb-map-ends" }, make("span", { text: low }), make("span", { text: high })),
    ];
    legend.replaceChildren(make("div", { class: "fdnb-map-legend-title", text: name }), ...(kind === "category" ? entries.map(row) : scale()));
    legend.hidden = !state.n;
  }

  function show(state, { select }) {
    title.textContent = visible(state.title);
    const offered = JSON.stringify(state.choices);
    if (colors.dataset.shown !== offered) {
      colors.dataset.shown = offered;
      colors.replaceChildren(...state.choices.map((choice) => make("option", { value: choice, text: choice })));
    }
    colors.value = state.color;
    showTags(state);
    showLegend(state, select);
    empty.hidden = state.n > 0;
    canvas.setAttribute("aria-label", `${state.title}, colored by ${state.legend.title}. ${state.status}. Press ? for keys.`);
    status.textContent = visible([state.status, state.message].filter(Boolean).join(" · "));
    notes.textContent = visible(state.notes.join(" · "));
    notes.title = notes.textContent;
    for (const control of [...Object.values(modes), tilesButton]) control.disabled = !state.n;
  }
  return { root, stage, canvas, tip, tipImage, tipName, tipGroup, tipText, hint, banner, help, helpButton, tilesButton, status, modes, show };
}
