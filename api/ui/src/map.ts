// The map: the city's own vector tiles, coloured through feature state so that a
// new state never reloads geometry.
import * as maplibre from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import "maplibre-gl/dist/maplibre-gl.css";
import { unknown } from "./colour";

maplibre.setWorkerUrl(workerUrl);

export interface Square { west: number; south: number; east: number; north: number; colour: string }

export interface Picked { kind: "segment" | "zone" | "sensor" | "signal"; id: string }

const width = (scale: number): maplibre.ExpressionSpecification => [
  "interpolate", ["exponential", 1.5], ["zoom"],
  10, ["*", 0.5 * scale, weight], 14, ["*", 1.6 * scale, weight], 18, ["*", 6 * scale, weight],
];

const weight: maplibre.ExpressionSpecification = [
  "match", ["get", "class"], ["motorway", "trunk"], 2.2, ["primary"], 1.8, ["secondary"], 1.5, ["tertiary"], 1.2, 0.9,
];

/** Two directions of a street are drawn side by side, each on its right. */
const aside: maplibre.ExpressionSpecification = ["interpolate", ["exponential", 1.5], ["zoom"], 11, 0.4, 14, 1.6, 18, 7];

export class CityMap {
  readonly map: maplibre.Map;
  private ready: Promise<void>;

  constructor(host: HTMLElement, bounds: [number, number, number, number], version: string, onPick: (p: Picked | null) => void) {
    this.map = new maplibre.Map({
      container: host,
      bounds,
      fitBoundsOptions: { padding: 40 },
      attributionControl: false,
      style: style(version, bounds),
    });
    this.map.addControl(new maplibre.NavigationControl({ showCompass: false }), "top-left");
    this.map.addControl(new maplibre.ScaleControl({}), "top-left");
    this.ready = new Promise((done) => this.map.once("load", () => done()));
    this.listen(onPick);
    this.keepWhole(bounds);
  }

  /** Fits the city into the map again when its size changes, until somebody has moved it. */
  private keepWhole(bounds: [number, number, number, number]) {
    let moved = false;
    this.map.on("movestart", (e) => { moved ||= Boolean(e.originalEvent); });
    this.map.on("resize", () => { if (!moved) this.map.fitBounds(bounds, { padding: 40, animate: false }); });
  }

  /** Colours every segment; index is the feature id of the tiles. */
  async paint(colours: string[]) {
    await this.ready;
    colours.forEach((colour, id) => this.map.setFeatureState({ source: "city", sourceLayer: "segments", id }, { colour }));
  }

  /** Draws squares of air under the streets; null takes them away. */
  async air(squares: Square[] | null) {
    await this.ready;
    const features = (squares ?? []).map((s) => ({
      type: "Feature" as const, properties: { colour: s.colour },
      geometry: { type: "Polygon" as const, coordinates: [[[s.west, s.south], [s.east, s.south], [s.east, s.north], [s.west, s.north], [s.west, s.south]]] },
    }));
    (this.map.getSource("air") as maplibre.GeoJSONSource).setData({ type: "FeatureCollection", features });
  }

  /** Returns the colours of the air on screen. */
  breathed(): Set<string> {
    return new Set(this.map.queryRenderedFeatures({ layers: ["air-fill"] }).map((f) => String(f.properties.colour)));
  }

  /** Returns the colours of the segments on screen. */
  painted(): Set<string> {
    const shown = this.map.queryRenderedFeatures({ layers: ["segment-line"] });
    return new Set(shown.map((f) => this.map.getFeatureState({ source: "city", sourceLayer: "segments", id: f.id }).colour as string).filter(Boolean));
  }

  /** Returns a pixel where a street lies, null while none is drawn. */
  somewhere(): [number, number] | null {
    const { clientWidth: w, clientHeight: h } = this.map.getContainer();
    const spiral = Array.from({ length: 400 }, (_, i) => [w / 2 + i * 0.5 * Math.cos(i), h / 2 + i * 0.5 * Math.sin(i)] as [number, number]);
    return spiral.find((p) => this.map.queryRenderedFeatures(p, { layers: ["segment-touch"] }).length > 0) ?? null;
  }

  async select(id: string | null) {
    await this.ready;
    this.map.setFilter("segment-selected", ["==", ["get", "id"], id ?? ""]);
  }

  async show(layer: string, on: boolean) {
    await this.ready;
    this.map.setLayoutProperty(layer, "visibility", on ? "visible" : "none");
  }

  /** Draws the signals. */
  async signals(list: { id: string; lon: number; lat: number }[]) {
    await this.ready;
    const features = list.map((s) => ({ type: "Feature" as const, properties: { id: s.id }, geometry: { type: "Point" as const, coordinates: [s.lon, s.lat] } }));
    (this.map.getSource("signals") as maplibre.GeoJSONSource).setData({ type: "FeatureCollection", features });
  }

  /** Returns a signal on screen and its pixel, null while none is drawn. */
  signalOnScreen(): { id: string; x: number; y: number } | null {
    const f = this.map.queryRenderedFeatures({ layers: ["signals"] })[0];
    if (f?.geometry.type !== "Point") return null;
    const { x, y } = this.map.project(f.geometry.coordinates as [number, number]);
    return { id: String(f.properties.id), x, y };
  }

  /** Marks the signal that is edited and brings it into view. */
  async mark(signal: { id: string; lon: number; lat: number } | null) {
    await this.ready;
    this.map.setFilter("signal-selected", ["==", ["get", "id"], signal?.id ?? ""]);
    if (signal && !this.map.getBounds().contains([signal.lon, signal.lat])) this.map.panTo([signal.lon, signal.lat]);
  }

  private listen(onPick: (p: Picked | null) => void) {
    const layers = ["signals", "sensors", "segment-touch", "zone-fill"];
    const kinds = { signals: "signal", sensors: "sensor", "segment-touch": "segment", "zone-fill": "zone" } as const;
    const popup = new maplibre.Popup({ closeButton: false, closeOnClick: false });
    this.map.on("click", (e) => {
      for (const layer of layers) {
        const hit = this.map.queryRenderedFeatures(e.point, { layers: [layer] })[0];
        if (hit) return onPick({ kind: kinds[layer as keyof typeof kinds], id: String(hit.properties.id) });
      }
      onPick(null);
    });
    this.map.on("mousemove", "segment-touch", (e) => {
      const p = e.features?.[0]?.properties;
      this.map.getCanvas().style.cursor = "pointer";
      if (p) popup.setLngLat(e.lngLat).setText(p.name ? `${p.name} (${p.id})` : String(p.id)).addTo(this.map);
    });
    this.map.on("mouseleave", "segment-touch", () => {
      this.map.getCanvas().style.cursor = "";
      popup.remove();
    });
  }
}

function style(version: string, bounds: [number, number, number, number]): maplibre.StyleSpecification {
  const round: maplibre.LineLayerSpecification["layout"] = { "line-cap": "round", "line-join": "round" };
  return {
    version: 8,
    sources: {
      city: { type: "vector", tiles: [`${location.origin}/v1/tiles/{z}/{x}/{y}.mvt?v=${version}`], minzoom: 8, maxzoom: 15, bounds },
      air: { type: "geojson", data: { type: "FeatureCollection", features: [] } },
      signals: { type: "geojson", data: { type: "FeatureCollection", features: [] } },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": "#f3f5f7" } },
      { id: "zone-fill", type: "fill", source: "city", "source-layer": "zones", paint: { "fill-color": "#dfe7ee", "fill-opacity": 0.55 } },
      { id: "air-fill", type: "fill", source: "air", paint: { "fill-color": ["get", "colour"], "fill-opacity": 0.6, "fill-antialias": false } },
      { id: "zone-line", type: "line", source: "city", "source-layer": "zones", paint: { "line-color": "#c3ced9", "line-width": 1 } },
      { id: "segment-case", type: "line", source: "city", "source-layer": "segments", layout: round, paint: { "line-color": "#ffffff", "line-width": width(1.9), "line-offset": aside } },
      { id: "segment-line", type: "line", source: "city", "source-layer": "segments", layout: round, paint: { "line-color": ["coalesce", ["feature-state", "colour"], unknown], "line-width": width(1.2), "line-offset": aside } },
      { id: "segment-selected", type: "line", source: "city", "source-layer": "segments", filter: ["==", ["get", "id"], ""], layout: round, paint: { "line-color": "#0b1f33", "line-width": width(2.2), "line-offset": aside, "line-opacity": 0.45 } },
      { id: "segment-touch", type: "line", source: "city", "source-layer": "segments", paint: { "line-color": "#000", "line-opacity": 0, "line-width": 12, "line-offset": aside } },
      { id: "sensors", type: "circle", source: "city", "source-layer": "sensors", minzoom: 11, paint: { "circle-radius": ["match", ["get", "kind"], "air", 6, 3], "circle-color": ["match", ["get", "kind"], "air", "#7a3fb3", "#33475b"], "circle-stroke-color": "#fff", "circle-stroke-width": 1 } },
      { id: "signals", type: "circle", source: "signals", minzoom: 12, paint: { "circle-radius": 4.5, "circle-color": "#ffffff", "circle-stroke-color": "#1c2733", "circle-stroke-width": 1.5 } },
      { id: "signal-selected", type: "circle", source: "signals", filter: ["==", ["get", "id"], ""], paint: { "circle-radius": 8, "circle-color": "#0b66c3", "circle-stroke-color": "#ffffff", "circle-stroke-width": 2 } },
    ],
  };
}
