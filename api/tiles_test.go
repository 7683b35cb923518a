package api

import (
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/maptile"

	"tideway/geo"
)

// decodeTile returns the features of a tile by layer and id.
func decodeTile(t testing.TB, raw []byte) map[string]map[uint64]map[string]any {
	t.Helper()
	layers, err := mvt.Unmarshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[uint64]map[string]any{}
	for _, l := range layers {
		out[l.Name] = map[uint64]map[string]any{}
		for _, f := range l.Features {
			out[l.Name][uint64(f.ID.(float64))] = f.Properties
		}
	}
	return out
}

func TestEverySegmentIsOnATile(t *testing.T) {
	p := newPlaces(gridCity(t, 60))
	for _, zoom := range []maptile.Zoom{12, 14, 16} {
		seen := map[uint64]bool{}
		lo, hi := maptile.At(p.bound.LeftTop(), zoom), maptile.At(p.bound.RightBottom(), zoom)
		for x := lo.X; x <= hi.X; x++ {
			for y := lo.Y; y <= hi.Y; y++ {
				for id, props := range decodeTile(t, p.tile(maptile.New(x, y, zoom)))["segments"] {
					seen[id] = true
					if s := p.city.Segments.At(geo.SegmentID(id)); props["id"] != s.ID || props["class"] != "secondary" {
						t.Errorf("zoom %d feature %d is %v", zoom, id, props)
					}
				}
			}
		}
		if len(seen) != p.city.Segments.Len() {
			t.Errorf("zoom %d shows %d of %d segments", zoom, len(seen), p.city.Segments.Len())
		}
	}
}

func TestLayersOfATile(t *testing.T) {
	p := newPlaces(gridCity(t, 20))
	got := decodeTile(t, p.tile(maptile.At(p.bound.Center(), 12)))
	if len(got["zones"]) != 2 || got["zones"][1]["id"] != "east/1" || len(got["stations"]) != 2 || len(got["sensors"]) != p.city.Sensors.Len() {
		t.Errorf("layers %v", got)
	}
	for id, s := range got["stations"] {
		if s["kind"] != "air" || p.city.Sensors.At(geo.SensorID(id)).ID != s["id"] {
			t.Errorf("station %d is %v", id, s)
		}
	}
	if a, b := p.tile(maptile.At(p.bound.Center(), 12)), p.tile(maptile.At(p.bound.Center(), 12)); string(a) != string(b) {
		t.Error("the same tile has other bytes")
	}
}

func TestTheCacheForgetsAnotherCity(t *testing.T) {
	cache, at := newTileCache(), maptile.New(8708, 5906, 14)
	small, large := newPlaces(gridCity(t, 4)), newPlaces(gridCity(t, 60))
	a := cache.get(small, at)
	if cache.get(small, at) != a {
		t.Error("made twice")
	}
	if cache.get(large, at) == a || cache.get(small, at) == a {
		t.Error("a tile of another city version was served")
	}
}

func FuzzTileAddress(f *testing.F) {
	f.Add("14", "8708", "5906.mvt")
	f.Add("6", "-1", "99999999999")
	p := newPlaces(gridCity(f, 4))
	f.Fuzz(func(t *testing.T, z, x, y string) {
		at, err := parseTile(z, x, y)
		if err != nil {
			return
		}
		if !at.Valid() || at.Z < minZoom || at.Z > maxZoom {
			t.Fatalf("%s/%s/%s is taken as %v", z, x, y, at)
		}
		if at.Bound(tileBuffer).Intersects(p.bound) {
			p.tile(at)
		}
	})
}

func BenchmarkTile(b *testing.B) {
	p := newPlaces(gridCity(b, 10_000))
	for _, zoom := range []maptile.Zoom{10, 12, 14} {
		b.Run(string(rune('0'+zoom/10))+string(rune('0'+zoom%10)), func(b *testing.B) {
			at := maptile.At(orb.Point(p.bound.Center()), zoom)
			for b.Loop() {
				p.tile(at)
			}
		})
	}
}
