package sumo

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"tideway/geo"
)

// location is the network's <location>: how its metres relate to the earth.
type location struct {
	offset     orb.Point
	projection string
	converted  orb.Bound // metres
	original   orb.Bound // before projection
}

func readLocation(e *element) location {
	l := location{projection: e.text("projParameter")}
	if o := e.line("netOffset"); len(o) == 1 {
		l.offset = o[0]
	}
	l.converted, l.original = box(e.text("convBoundary")), box(e.text("origBoundary"))
	return l
}

// box reads "x0,y0,x1,y1"; anything else gives an empty box.
func box(s string) (b orb.Bound) {
	var v [4]float64
	fields := strings.Split(s, ",")
	if len(fields) != len(v) {
		return b
	}
	for i, f := range fields {
		x, err := strconv.ParseFloat(f, 64)
		if err != nil || !(math.Abs(x) < 1e9) {
			return orb.Bound{}
		}
		v[i] = x
	}
	return orb.Bound{Min: orb.Point{v[0], v[1]}, Max: orb.Point{v[2], v[3]}}
}

// setFrame takes over the projection of the network where it is a transverse
// Mercator one, else assumes a local plane and says so.
func (im *importer) setFrame() {
	if f, ok := im.location.frame(); ok {
		im.draft.Frame = f
		return
	}
	l := im.location
	if origin := im.opt.Origin; origin != nil {
		im.draft.Frame = geo.LocalFrame(*origin)
		im.assume("city", "", "frame", fmt.Sprintf("%v,%v", origin.Lon(), origin.Lat()), "the network has no projection; its (0, 0) was placed where asked")
		return
	}
	if geographic(l.original) && l.converted.Max != l.converted.Min {
		im.draft.Frame = geo.LocalFrame(l.original.Center())
		c := l.converted.Center()
		im.draft.Frame.East, im.draft.Frame.North = im.draft.Frame.East+c[0], im.draft.Frame.North+c[1]
		im.assume("city", "", "frame", "local", fmt.Sprintf("projection %q is not supported; the middle of the network was placed at the middle of its original bounds", l.projection))
		return
	}
	im.draft.Frame = geo.LocalFrame(orb.Point{0, 0})
	im.assume("city", "", "frame", "0,0", "the network has no projection; its (0, 0) was placed at lon/lat 0, 0")
}

func geographic(b orb.Bound) bool {
	return b.Min != b.Max && math.Abs(b.Min[0]) <= 180 && math.Abs(b.Max[0]) <= 180 && math.Abs(b.Min[1]) <= 85 && math.Abs(b.Max[1]) <= 85 &&
		b.Max[0]-b.Min[0] < 10 && b.Max[1]-b.Min[1] < 10
}

// frame reads the PROJ parameters utm (zone, south) and tmerc (lat_0, lon_0,
// k, x_0, y_0).
func (l location) frame() (geo.Frame, bool) {
	param := map[string]string{}
	for field := range strings.FieldsSeq(l.projection) {
		key, value, _ := strings.Cut(strings.TrimPrefix(field, "+"), "=")
		param[key] = value
	}
	number := func(key string, def float64) float64 {
		v, err := strconv.ParseFloat(param[key], 64)
		if err != nil || !(math.Abs(v) < 1e8) {
			return def
		}
		return v
	}
	switch param["proj"] {
	case "utm":
		zone := int(number("zone", 0))
		_, south := param["south"]
		return geo.UTM(zone, !south, l.offset[0], l.offset[1]), zone >= 1 && zone <= 60
	case "tmerc":
		f := geo.Frame{Meridian: number("lon_0", 0), Scale: number("k", number("k_0", 1))}
		if !(f.Scale > 0.5 && f.Scale < 2) {
			return f, false
		}
		f.North = -f.XY(orb.Point{f.Meridian, number("lat_0", 0)})[1] + number("y_0", 0) + l.offset[1]
		f.East = number("x_0", 0) + l.offset[0]
		return f, true
	}
	return geo.Frame{}, false
}

// cityName is the file's name without folder and endings.
func cityName(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), ".")
	if name == "" {
		return "city"
	}
	return name
}
