package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/clip"
	"github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/geojson"
	"github.com/paulmach/orb/maptile"
	"github.com/paulmach/orb/simplify"

	"tideway/api/wire"
	"tideway/geo"
)

// Zoom levels with tiles. Above maxZoom the page magnifies: at 16 a unit of the
// tile's grid is 15 cm.
const (
	minZoom = 6
	maxZoom = 16
)

// tileBuffer is how far a tile reaches over its edge, as a share of its width,
// so that wide lines join.
const tileBuffer = 1. / 16

// maxTiles bounds the cache; a city of 30 by 30 km has 3 000 tiles at zoom 16.
const maxTiles = 8192

// tileCache keeps the tiles of one city version.
type tileCache struct {
	mu      sync.Mutex
	version string
	tiles   map[maptile.Tile]*encoded
}

func newTileCache() *tileCache { return &tileCache{} }

// get returns a tile, to be made when its bytes are first asked for.
func (t *tileCache) get(p *places, at maptile.Tile) *encoded {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.version != p.city.Version || len(t.tiles) >= maxTiles {
		t.version, t.tiles = p.city.Version, map[maptile.Tile]*encoded{}
	}
	e, ok := t.tiles[at]
	if !ok {
		e = newEncoded(wire.TypeTile, func() []byte { return p.tile(at) })
		t.tiles[at] = e
	}
	return e
}

// handleTile serves GET /v1/tiles/{z}/{x}/{y}.mvt.
func (s *Server) handleTile(c *fiber.Ctx) error {
	at, err := parseTile(c.Params("z"), c.Params("x"), c.Params("y"))
	if err != nil {
		return err
	}
	p := s.places.Load()
	if !at.Bound(tileBuffer).Intersects(p.bound) { // not cached: the world has too many
		c.Set(fiber.HeaderContentType, wire.TypeTile)
		c.Set(fiber.HeaderCacheControl, "private, max-age=3600")
		return nil
	}
	cacheControl := "private, no-cache"
	if c.Query("v") == p.city.Version {
		cacheControl = "private, max-age=31536000, immutable"
	}
	return s.tiles.get(p, at).send(c, cacheControl)
}

func parseTile(z, x, y string) (maptile.Tile, error) {
	bad := newProblem(http.StatusNotFound, "no tile %s/%s/%s; zoom is %d to %d and the address ends in .mvt", z, x, y, minZoom, maxZoom)
	zoom, err := strconv.ParseUint(z, 10, 8)
	if err != nil || zoom < minZoom || zoom > maxZoom {
		return maptile.Tile{}, bad
	}
	col, errX := strconv.ParseUint(x, 10, 32)
	row, errY := strconv.ParseUint(strings.TrimSuffix(y, ".mvt"), 10, 32)
	at := maptile.New(uint32(col), uint32(row), maptile.Zoom(zoom))
	if errX != nil || errY != nil || !at.Valid() {
		return maptile.Tile{}, bad
	}
	return at, nil
}

// tile encodes the layers of a tile. Feature ids are positions in the lists of
// the API.
func (p *places) tile(at maptile.Tile) []byte {
	box := at.Bound(tileBuffer)
	layers := mvt.Layers{
		p.layer("zones", at, p.zonesIn(box)),
		p.layer("segments", at, p.segmentsIn(box)),
		p.layer("sensors", at, p.sensorsIn(box, "")),
		p.layer("stations", at, p.sensorsIn(box, "air")),
	}
	b, err := mvt.Marshal(layers)
	if err != nil {
		panic("api: a tile of lines, polygons and strings cannot be encoded: " + err.Error())
	}
	return b
}

// layer projects the features, thins their lines to the tile's grid, and drops
// what became shorter than one unit.
func (p *places) layer(name string, at maptile.Tile, features []*geojson.Feature) *mvt.Layer {
	l := &mvt.Layer{Name: name, Version: 2, Extent: mvt.DefaultExtent, Features: features}
	l.ProjectToTile(at)
	if len(features) > 0 {
		l.Simplify(simplify.DouglasPeucker(1))
		l.RemoveEmpty(1, 1)
	}
	return l
}

func (p *places) segmentsIn(box orb.Bound) []*geojson.Feature {
	var ids []geo.SegmentID
	p.city.InBox(p.metres(box), func(s geo.SegmentID) bool {
		ids = append(ids, s)
		return true
	})
	slices.Sort(ids)
	var out []*geojson.Feature
	for _, i := range ids {
		if cut := clip.LineString(box, slices.Clone(p.lines[i])); len(cut) > 0 {
			s := p.city.Segments.At(i)
			out = append(out, feature(uint64(i), single(cut), geojson.Properties{"id": s.ID, "name": s.Name, "class": s.Class.String()}))
		}
	}
	return out
}

// single returns a line's only part as a plain line.
func single(m orb.MultiLineString) orb.Geometry {
	if len(m) == 1 {
		return m[0]
	}
	return m
}

// metres returns the box in the city's plane around the part of a lon/lat box
// that the city can lie in: the projection is made for nothing beyond.
func (p *places) metres(box orb.Bound) orb.Bound {
	lo := orb.Point{max(box.Min[0], p.bound.Min[0]), max(box.Min[1], p.bound.Min[1])}
	hi := orb.Point{min(box.Max[0], p.bound.Max[0]), min(box.Max[1], p.bound.Max[1])}
	mid := orb.Point{(lo[0] + hi[0]) / 2, (lo[1] + hi[1]) / 2}
	edge := orb.MultiPoint{lo, hi, {lo[0], hi[1]}, {hi[0], lo[1]}, {mid[0], lo[1]}, {mid[0], hi[1]}, {lo[0], mid[1]}, {hi[0], mid[1]}}
	for i, q := range edge {
		edge[i] = p.city.Frame.XY(q)
	}
	return edge.Bound().Pad(1)
}

func (p *places) zonesIn(box orb.Bound) []*geojson.Feature {
	var out []*geojson.Feature
	for i, z := range p.city.Zones.All() {
		if !z.Area.Bound().Intersects(box) {
			continue
		}
		if cut := clip.MultiPolygon(box, z.Area.Clone()); len(cut) > 0 {
			out = append(out, feature(uint64(i), cut, geojson.Properties{"id": z.ID, "name": z.Name, "kind": z.Kind}))
		}
	}
	return out
}

func (p *places) sensorsIn(box orb.Bound, kind string) []*geojson.Feature {
	var out []*geojson.Feature
	for i, s := range p.city.Sensors.All() {
		if k := sensorKind(s); box.Contains(s.LonLat) && (kind == "" || kind == k) {
			out = append(out, feature(uint64(i), s.LonLat, geojson.Properties{"id": s.ID, "kind": k, "review": s.Match.Review}))
		}
	}
	return out
}

func feature(id uint64, g orb.Geometry, p geojson.Properties) *geojson.Feature {
	return &geojson.Feature{ID: id, Type: "Feature", Geometry: g, Properties: p}
}
