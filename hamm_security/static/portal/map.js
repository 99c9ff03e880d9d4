// Maps: area polygons as ground, hexagons of incidents and complaints as layers of their own,
// or a place to pick for a form. Leaflet draws on a canvas; nothing is asked from another host.
const KINDS = {
  incident: { label: "Brennpunkte (Vorfälle)", letter: "V" },
  complaint: { label: "Beschwerdehotspots", letter: "B" },
};
const LETTER_FROM_PX = 30;
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

let leaflet;

function loadLeaflet(source) {
  leaflet ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = source;
    script.addEventListener("load", () => resolve(window.L));
    script.addEventListener("error", () => reject(new Error(`Leaflet missing at ${source}`)));
    document.head.append(script);
  });
  return leaflet;
}

async function fetchGeoJSON(url) {
  const response = await fetch(url, { headers: { Accept: "application/geo+json, application/json" } });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}

// Light steps are hatched in the dark line colour, dark steps in white, as in the printed figures.
function hatch(context, fill, ink) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d");
  pen.fillStyle = fill;
  pen.fillRect(0, 0, 6, 6);
  pen.strokeStyle = ink;
  pen.lineWidth = 1.2;
  pen.beginPath();
  for (const shift of [-6, 0, 6]) {
    pen.moveTo(shift - 1, 7);
    pen.lineTo(shift + 7, -1);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

// Leaflet's canvas knows plain fills only: complaint cells are hatched, and large cells carry their letter.
function hexagonCanvas(L) {
  return L.Canvas.extend({
    _fillStroke(context, layer) {
      const { hatchInk, letter, fillColor, letterColor } = layer.options;
      if (hatchInk) {
        layer.hatchPattern ??= hatch(context, fillColor, hatchInk);
        context.globalAlpha = 1;
        context.fillStyle = layer.hatchPattern;
        context.fill("evenodd");
        L.Canvas.prototype._fillStroke.call(this, context, { options: { ...layer.options, fill: false } });
      } else L.Canvas.prototype._fillStroke.call(this, context, layer);
      const width = layer._rawPxBounds ? layer._rawPxBounds.getSize().x : 0;
      if (!letter || width < LETTER_FROM_PX) return;
      const { x, y } = layer._rawPxBounds.getCenter();
      context.globalAlpha = 1;
      context.font = "600 13px 'Fira Sans', Arial, sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      if (hatchInk) {
        context.fillStyle = "#ffffff";
        context.beginPath();
        context.arc(x, y, 9, 0, Math.PI * 2);
        context.fill();
      }
      context.fillStyle = letterColor;
      context.fillText(letter, x, y + 1);
    },
  });
}

function cellStyle({ properties }) {
  const { kind, ramp } = properties;
  const line = colour(`--mark-${kind}`);
  return {
    fillColor: colour(`--ramp-${kind}-${ramp}`),
    fillOpacity: 0.9,
    color: line,
    weight: 1.5,
    hatchInk: kind === "complaint" ? (ramp <= 3 ? line : "#ffffff") : null,
    letter: KINDS[kind].letter,
    letterColor: kind === "incident" && ramp >= 3 ? "#ffffff" : line,
  };
}

function cellText({ label, count }, kind) {
  const lines = [KINDS[kind].label, label, count === null || count === undefined ? "" : `Anzahl: ${count}`];
  const text = document.createElement("div");
  for (const line of lines.filter(Boolean)) {
    const part = document.createElement("div");
    part.textContent = line;
    text.append(part);
  }
  return text;
}

async function addAreas(L, map, container) {
  const areas = L.geoJSON(await fetchGeoJSON(container.dataset.areas), {
    interactive: false,
    style: { color: "#6e7597", weight: 1.5, fillColor: "#ffffff", fillOpacity: container.dataset.tiles ? 0 : 1 },
  }).addTo(map);
  areas.eachLayer((layer) => {
    const name = layer.feature.properties.name;
    if (!name) return;
    const text = document.createElement("span");
    text.textContent = name;
    L.marker(layer.getBounds().getCenter(), {
      interactive: false,
      keyboard: false,
      icon: L.divIcon({ className: "map-areas-label", iconSize: [140, 16], html: text }),
    }).addTo(map);
  });
  return areas;
}

async function addCells(L, map, container, renderer) {
  const { features } = await fetchGeoJSON(container.dataset.cells);
  const shown = container.dataset.show ? container.dataset.show.split(",") : Object.keys(KINDS);
  const control = L.control.layers(null, null, { collapsed: false });
  for (const [kind, { label }] of Object.entries(KINDS)) {
    const own = features.filter(({ properties }) => properties.kind === kind);
    if (own.length === 0) continue;
    const layer = L.geoJSON(own, {
      renderer,
      style: cellStyle,
      onEachFeature({ properties }, cell) {
        cell.bindTooltip(() => cellText(properties, kind), { sticky: true });
        if (properties.url) cell.on("click", () => window.location.assign(properties.url));
      },
    });
    if (shown.includes(kind)) layer.addTo(map);
    control.addOverlay(layer, label);
  }
  if (features.length > 0) control.addTo(map);
}

function pin(L, map, latLng) {
  const icon = L.divIcon({ className: "map-pin", iconSize: [28, 36], iconAnchor: [14, 35], html: "" });
  return L.marker(latLng, { icon, keyboard: false, interactive: false }).addTo(map);
}

async function addPlace(L, map, container) {
  const accent = colour("--accent");
  L.geoJSON(await fetchGeoJSON(container.dataset.place), {
    style: ({ properties }) => ({
      color: accent,
      weight: 2,
      dashArray: properties.is_fading ? "5 5" : null,
      fillColor: accent,
      fillOpacity: properties.is_fading ? 0.06 : 0.25,
    }),
    onEachFeature: ({ properties }, layer) => layer.bindTooltip(properties.label),
  }).addTo(map);
}

function number(text) {
  const value = Number.parseFloat(String(text).replace(",", "."));
  return Number.isFinite(value) ? value : null;
}

function pick(L, map, container) {
  const lon = document.getElementById(container.dataset.lonInput);
  const lat = document.getElementById(container.dataset.latInput);
  let marker = null;
  const show = (centre) => {
    const [x, y] = [number(lon.value), number(lat.value)];
    marker?.remove();
    marker = null;
    if (x === null || y === null || Math.abs(y) > 90 || Math.abs(x) > 180) return;
    marker = pin(L, map, [y, x]);
    if (centre) map.setView([y, x], Math.max(map.getZoom(), 13));
  };
  const set = ({ lat: y, lng: x }) => {
    lon.value = x.toFixed(6);
    lat.value = y.toFixed(6);
    show(false);
    for (const input of [lon, lat]) {
      input.dataset.draftSource = "";
      input.dispatchEvent(new Event("input", { bubbles: true }));
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
    container.dispatchEvent(new CustomEvent("portal:place", { bubbles: true, detail: { lon: x, lat: y } }));
  };
  const cross = document.createElement("div");
  cross.className = "map-cross";
  container.append(cross);
  map.on("click", ({ latlng }) => set(latlng.wrap()));
  container.addEventListener("keydown", (event) => {
    if (event.target !== container || event.key !== "Enter" || event.ctrlKey) return;
    event.preventDefault();
    set(map.getCenter());
  });
  for (const input of [lon, lat]) input.addEventListener("change", () => show(!container.contains(document.activeElement)));
  show(true);
}

async function start(container) {
  const L = await loadLeaflet(container.dataset.leaflet);
  container.querySelector(".map__wait")?.remove();
  const renderer = new (hexagonCanvas(L))({ padding: 0.3 });
  const map = L.map(container, {
    renderer: L.canvas(),
    zoomControl: false,
    minZoom: 9,
    maxZoom: 17,
    zoomSnap: 0.25,
    scrollWheelZoom: false,
  });
  // The wheel scrolls the page until the map is chosen by click or keyboard.
  map.on("focus", () => map.scrollWheelZoom.enable()).on("blur", () => map.scrollWheelZoom.disable());
  map.attributionControl.setPrefix(false);
  if (container.dataset.attribution) map.attributionControl.addAttribution(container.dataset.attribution);
  if (container.dataset.tiles) {
    L.tileLayer(container.dataset.tiles, { attribution: container.dataset.tilesAttribution }).addTo(map);
  }
  L.control.zoom({ zoomInTitle: "Vergrößern", zoomOutTitle: "Verkleinern" }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  map.setView([51.68, 7.82], 11);
  const areas = container.dataset.areas ? await addAreas(L, map, container) : null;
  const box = container.dataset.bbox.split(",").map(number);
  if (box.length === 4 && !box.includes(null)) map.fitBounds([[box[1], box[0]], [box[3], box[2]]]);
  else if (areas && areas.getLayers().length > 0) map.fitBounds(areas.getBounds(), { padding: [8, 8] });
  if (container.dataset.cells) await addCells(L, map, container, renderer);
  if (container.dataset.place) await addPlace(L, map, container);
  if (container.dataset.mode === "pick") pick(L, map, container);
  else {
    const [x, y] = [number(container.dataset.lon), number(container.dataset.lat)];
    if (x !== null && y !== null) {
      pin(L, map, [y, x]);
      map.setView([y, x], Math.max(map.getZoom(), 13));
    }
  }
  container.dataset.ready = "true";
}

function startAll(root) {
  for (const container of root.querySelectorAll("[data-map]:not([data-started])")) {
    container.dataset.started = "true";
    start(container).catch((error) => {
      const note = document.createElement("p");
      note.className = "map__wait";
      note.textContent = "Die Karte konnte nicht geladen werden. Bitte laden Sie die Seite neu oder nutzen Sie die Angaben daneben.";
      container.append(note);
      throw error;
    });
  }
}

startAll(document);
document.addEventListener("htmx:load", (event) => startAll(event.target));
