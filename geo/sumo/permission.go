package sumo

import (
	"strings"

	"tideway/geo"
)

// classOf maps SUMO's vehicle classes to ours. Where several are one class of
// ours, the first named decides for road vehicles (a truck ban is a truck ban
// although trailers are not named); rails are open when any of them is.
var classOf = map[string]geo.Class{
	"passenger": geo.Car, "taxi": geo.Taxi, "delivery": geo.Van, "truck": geo.Truck, "bus": geo.Bus, "motorcycle": geo.Motorcycle,
	"emergency": geo.Emergency, "bicycle": geo.Bicycle, "pedestrian": geo.Pedestrian, "tram": geo.Tram,
	"rail": geo.Rail, "rail_urban": geo.Rail, "rail_electric": geo.Rail, "rail_fast": geo.Rail, "subway": geo.Rail,
}

// rails are the SUMO classes that are one class of ours.
var rails = []string{"rail", "rail_urban", "rail_electric", "rail_fast"}

// permission returns who may use a lane or connection: everybody unless an
// allow or disallow list says otherwise.
func permission(e *element) geo.ClassSet {
	if list, ok := e.get("allow"); ok && list != "all" {
		return classes(list)
	}
	list, ok := e.get("disallow")
	switch {
	case !ok:
		return geo.AllClasses
	case list == "all":
		return 0
	}
	banned := classes(list)
	for _, r := range rails {
		if !hasWord(list, r) {
			banned &^= geo.Classes(geo.Rail)
		}
	}
	return geo.AllClasses &^ banned
}

// classes returns the set of a list of SUMO classes; those that we do not
// tell apart (moped, army, ship ...) add nothing.
func classes(list string) (s geo.ClassSet) {
	for word := range strings.FieldsSeq(list) {
		if c, ok := classOf[word]; ok {
			s |= geo.Classes(c)
		}
	}
	return s
}

func hasWord(list, word string) bool {
	for w := range strings.FieldsSeq(list) {
		if w == word {
			return true
		}
	}
	return false
}
