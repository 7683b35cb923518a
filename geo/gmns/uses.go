package gmns

import (
	"fmt"
	"strings"

	"tideway/geo"
)

// useTable is use_definition.csv: our classes in GMNS terms. Passenger car
// equivalents of trucks and buses are the HCM's 2.0 for level terrain.
var useTable = []struct {
	class        geo.Class
	persons, pce float64
	about        string
}{
	{geo.Car, 1.3, 1, "passenger cars"}, {geo.Taxi, 1.5, 1, "taxis"}, {geo.Van, 1.2, 1, "delivery vans"},
	{geo.Truck, 1, 2, "trucks"}, {geo.Bus, 20, 2, "buses and coaches"}, {geo.Motorcycle, 1.1, 0.5, "motorcycles and mopeds"},
	{geo.Emergency, 2, 1, "police, fire and ambulance"}, {geo.Bicycle, 1, 0.2, "bicycles"}, {geo.Pedestrian, 1, 0, "people on foot"},
	{geo.Tram, 60, 2, "trams on the street"}, {geo.Rail, 200, 0, "trains"},
}

func classNames(set geo.ClassSet) (out []string) {
	for _, u := range useTable {
		if set.Has(u.class) {
			out = append(out, u.class.String())
		}
	}
	return out
}

// usesOf writes a set as allowed_uses: the group's name where there is one.
func usesOf(set geo.ClassSet) string {
	switch set {
	case geo.AllClasses:
		return "all"
	case geo.MotorClasses:
		return "motor"
	case 0:
		return "none"
	}
	return strings.Join(classNames(set), ",")
}

// usesNamed holds the words that others use, in lower case.
var usesNamed = map[string]geo.ClassSet{
	"all": geo.AllClasses, "motor": geo.MotorClasses, "none": 0,
	"auto": geo.MotorClasses, "cars": geo.Classes(geo.Car), "sov": geo.Classes(geo.Car), "hov": geo.Classes(geo.Car, geo.Taxi), "hov2": geo.Classes(geo.Car), "hov3": geo.Classes(geo.Car),
	"hgv": geo.Classes(geo.Truck), "trucks": geo.Classes(geo.Truck), "transit": geo.Classes(geo.Bus), "buses": geo.Classes(geo.Bus),
	"walk": geo.Classes(geo.Pedestrian), "ped": geo.Classes(geo.Pedestrian), "peds": geo.Classes(geo.Pedestrian), "foot": geo.Classes(geo.Pedestrian),
	"bike": geo.Classes(geo.Bicycle), "cycle": geo.Classes(geo.Bicycle), "parking": 0, "shoulder": 0,
}

// parseUses reads allowed_uses; words are separated by commas, semicolons or
// spaces. An empty text is def.
func parseUses(s string, def geo.ClassSet) (set geo.ClassSet, err error) {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ',' || r == ';' || r == ' ' })
	if len(words) == 0 {
		return def, nil
	}
	for _, w := range words {
		named, ok := usesNamed[w]
		if !ok {
			c, parseErr := geo.ParseClass(w)
			if parseErr != nil {
				err = fmt.Errorf("use %q is unknown", w)
				continue
			}
			named = geo.Classes(c)
		}
		set |= named
	}
	return set, err
}
