// The canvas of a map: draws the last picture of the kernel where it belongs now, and what lies on it.

const TILE = 56;

/** Where a place of the map is on the canvas, and back. `look` is {x, y, scale}: the middle, and a pixel's width. */
function onCanvas(look, size, x, y) {
  return [size.width / 2 + (x - look.x) / look.scale, size.height / 2 - (y - look.y) / look.scale];
}
function onMap(look, size, px, py) {
  return [look.x + (px - size.width / 2) * look.scale, look.y - (py - size.height / 2) * look.scale];
}

/** The look that shows everything; home is [x, y, width, height]. */
function fitLook([x, y, width, height], size) {
  const scale = Math.max(width / Math.max(size.width - 72, 16), height / Math.max(size.height - 72, 16));
  return { x, y, scale: scale > 0 ? scale : 1 };
}

/** Join a picture with its mask: what is selected stays as it is with a halo of no hue, all else fades. */
function composePicture(picture, mask, ink, radius) {
  if (!mask) return picture;
  const layer = (paint) => {
    const canvas = make("canvas", { width: picture.width, height: picture.height });
    paint(canvas.getContext("2d"));
    return canvas;
  };
  const halo = layer((pen) => {
    pen.drawImage(mask, 0, 0);
    pen.globalCompositeOperation = "source-in";
    pen.fillStyle = ink;
    pen.fillRect(0, 0, picture.width, picture.height);
  });
  const chosen = layer((pen) => {
    pen.drawImage(picture, 0, 0);
    pen.globalCompositeOperation = "destination-in";
    pen.drawImage(mask, 0, 0);
  });
  return layer((pen) => {
    pen.globalAlpha = 0.3;
    pen.drawImage(picture, 0, 0);
    pen.globalAlpha = radius ? 0.85 : 0.35;
    pen.drawImage(halo, 0, 0);
    pen.globalAlpha = 1;
    pen.drawImage(chosen, 0, 0);
  });
}

/** Paint everything. `scene` has size, ratio, look, picture, tiles (position -> bitmap), names, drawn, hover, colors. */
function paintMap(canvas, scene) {
  const { size, ratio, look, picture, colors } = scene;
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, size.width, size.height);
  if (picture) {
    const zoom = picture.scale / look.scale;
    const [x, y] = onCanvas(look, size, picture.x, picture.y);
    const width = picture.width * zoom, height = picture.height * zoom;
    pen.drawImage(picture.image, x - width / 2, y - height / 2, width, height);
    let n = 0;
    for (const tile of picture.tiles) n += paintTile(pen, scene, tile);
    if (!n) paintNames(pen, scene);
  }
  if (scene.hover) {
    const [x, y] = onCanvas(look, size, scene.hover.x, scene.hover.y);
    pen.lineWidth = 2;
    pen.strokeStyle = colors.ink;
    pen.beginPath();
    pen.arc(x, y, Math.max(picture?.radius ?? 0, 2) + 3, 0, 7);
    pen.stroke();
  }
  if (scene.drawn?.length > 1) paintDrawn(pen, scene);
}

/** Where a tile's picture is on the canvas: [left, top, width, height], or null while it is not here. */
function boundTile(scene, [position, x, y]) {
  const bitmap = scene.tiles.get(position);
  if (!bitmap) return null;
  const shrink = TILE / Math.max(bitmap.width, bitmap.height);
  const [px, py] = onCanvas(scene.look, scene.size, x, y);
  const width = bitmap.width * shrink, height = bitmap.height * shrink;
  return [px - width / 2, py - height / 2, width, height];
}

function paintTile(pen, scene, tile) {
  const bounds = boundTile(scene, tile);
  if (!bounds) return 0;
  const [left, top, width, height] = bounds, [position, , , hue, isOn] = tile;
  pen.globalAlpha = scene.hasSelection && !isOn ? 0.45 : 1;
  pen.fillStyle = isOn ? scene.colors.accent : hue || scene.colors.quiet;
  const frame = isOn ? 4 : 2;
  pen.beginPath();
  pen.roundRect(left - frame, top - frame, width + 2 * frame, height + 2 * frame, 3);
  pen.fill();
  pen.drawImage(scene.tiles.get(position), left, top, width, height);
  if (isOn) paintTick(pen, left + width - 4, top + 4, scene.colors);
  pen.globalAlpha = 1;
  return 1;
}

function paintTick(pen, x, y, colors) {
  pen.fillStyle = colors.accent;
  pen.beginPath();
  pen.arc(x, y, 8, 0, 7);
  pen.fill();
  pen.strokeStyle = "#fff";
  pen.lineWidth = 2;
  pen.beginPath();
  pen.moveTo(x - 3.5, y);
  pen.lineTo(x - 1, y + 3);
  pen.lineTo(x + 4, y - 3);
  pen.stroke();
}

/** Write the names of the categories in their midst, largest first, none over another. */
function paintNames(pen, { look, size, names, colors, font }) {
  const taken = [];
  pen.font = `600 12px ${font}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  for (const { name, at } of names) {
    if (!at) continue;
    const text = shortenName(visible(name), 24);
    const [x, y] = onCanvas(look, size, ...at), half = pen.measureText(text).width / 2 + 6;
    if (x < half || x > size.width - half || y < 12 || y > size.height - 12) continue;
    if (taken.some((other) => Math.abs(other.x - x) < other.half + half && Math.abs(other.y - y) < 20)) continue;
    taken.push({ x, y, half });
    pen.lineWidth = 4;
    pen.strokeStyle = colors.ground;
    pen.strokeText(text, x, y);
    pen.fillStyle = colors.ink;
    pen.fillText(text, x, y);
  }
}

function paintDrawn(pen, { drawn, colors }) {
  pen.beginPath();
  drawn.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
  pen.globalAlpha = 0.14;
  pen.fillStyle = colors.accent;
  pen.fill("evenodd");
  pen.globalAlpha = 1;
  pen.lineWidth = 1.5;
  pen.setLineDash([5, 4]);
  pen.strokeStyle = colors.accent;
  pen.stroke();
  pen.setLineDash([]);
}
