package emission

import (
	"fmt"
	"slices"
	"strings"
)

// Category is a kind of vehicle as traffic counts and simulations tell them
// apart.
type Category uint8

// The categories.
const (
	Car Category = iota
	Van
	Truck
	Bus
	TwoWheeler
	Categories // their number
)

var categoryNames = [Categories]string{"car", "van", "truck", "bus", "two_wheeler"}

// String returns car, van, truck, bus or two_wheeler.
func (c Category) String() string { return categoryNames[c] }

// ParseCategory returns the category of that name, or an error listing the names.
func ParseCategory(name string) (Category, error) {
	if i := slices.Index(categoryNames[:], name); i >= 0 {
		return Category(i), nil
	}
	return 0, fmt.Errorf("vehicle category %q is not known, expected one of %s", name, strings.Join(categoryNames[:], ", "))
}

// Fuel is what a class burns.
type Fuel uint8

// The fuels.
const (
	Petrol Fuel = iota
	Diesel
	LPG
	CNG
	Electric
)

// Euro is a Euro standard, 1 to 6; 0 is earlier. The stages of Euro 6 count
// as 6 here and stay apart in the class id.
type Euro uint8

// prefixes ties the first part of a class id to category and fuel.
var prefixes = []struct {
	prefix   string
	category Category
	fuel     Fuel
}{
	{"PC_G_", Car, Petrol}, {"PC_D_", Car, Diesel}, {"PC_GHY_", Car, Petrol}, {"PC_GPHEV_", Car, Petrol},
	{"PC_LPG_", Car, LPG}, {"PC_CNG_", Car, CNG}, {"PC_BEV", Car, Electric},
	{"LCV_G_", Van, Petrol}, {"LCV_D_", Van, Diesel}, {"LCV_BEV", Van, Electric},
	{"HGV_BEV", Truck, Electric}, {"HGV_", Truck, Diesel},
	{"UBUS_CNG_", Bus, CNG}, {"UBUS_BEV", Bus, Electric}, {"UBUS_", Bus, Diesel}, {"COACH_", Bus, Diesel},
	{"MC_BEV", TwoWheeler, Electric}, {"MC_", TwoWheeler, Petrol}, {"MOPED_", TwoWheeler, Petrol},
}

// electricClass is the class of battery vehicles of each category.
var electricClass = [Categories]string{"PC_BEV", "LCV_BEV", "HGV_BEV", "UBUS_BEV", "MC_BEV"}

func newClass(id string) (Class, error) {
	for _, p := range prefixes {
		if !strings.HasPrefix(id, p.prefix) {
			continue
		}
		c := Class{ID: id, Category: p.category, Fuel: p.fuel}
		if c.Fuel == Electric {
			c.Euro = 6
			return c, nil
		}
		c.Euro = euroOf(id[strings.LastIndexByte(id, '_')+1:])
		c.no2 = no2Share(c.Category, c.Fuel, c.Euro)
		return c, nil
	}
	return Class{}, fmt.Errorf("class %q has none of the known beginnings (PC_D_, LCV_G_, HGV_, UBUS_, ...)", id)
}

// euroOf reads the standard at the end of a class id: "IV" is 4, "VI D-TEMP" 6,
// "EEV" 5, all earlier ones ("PRE", "ECE 15/04") 0.
func euroOf(standard string) Euro {
	first, _, _ := strings.Cut(standard, " ")
	if first == "EEV" {
		return 5
	}
	return Euro(max(0, slices.Index([]string{"", "I", "II", "III", "IV", "V", "VI"}, first)))
}

// no2Share is the share of NOx released as NO2 (by mass as NO2), after
// EMEP/EEA 2019 table 3-87. Diesel Euro 3 is taken without particle filter.
func no2Share(c Category, f Fuel, e Euro) float64 {
	byEuro := [7]float64{.04, .04, .04, .03, .03, .03, .03} // petrol
	switch {
	case f == LPG:
		return .05
	case f == CNG && e >= 6:
		return .02
	case f == CNG:
		return .03
	case f == Diesel && (c == Truck || c == Bus):
		byEuro = [7]float64{.11, .11, .11, .14, .10, .12, .08}
	case f == Diesel:
		byEuro = [7]float64{.15, .13, .13, .27, .46, .33, .30}
	}
	return byEuro[min(e, 6)]
}

// Class returns the class of that id; battery classes (PC_BEV, LCV_BEV,
// HGV_BEV, UBUS_BEV, MC_BEV) exist in every table. The error names what is close.
func (t *Table) Class(id string) (*Class, error) {
	if i, ok := t.byID[id]; ok {
		return &t.classes[i], nil
	}
	if slices.Contains(electricClass[:], id) {
		c, err := newClass(id)
		return &c, err
	}
	return nil, fmt.Errorf("class %q is not in the table%s", id, t.near(id))
}

func (t *Table) near(id string) string {
	stem, _, _ := strings.Cut(id, "_")
	var like []string
	for _, c := range t.IDs() {
		if strings.HasPrefix(c, stem+"_") {
			like = append(like, c)
		}
	}
	if len(like) == 0 {
		return ", ids are like PC_D_IV, LCV_D_V, HGV_AT34-40_VI D/E, UBUS_STD_V"
	}
	return ", it has " + strings.Join(like, ", ")
}

// IDs returns the ids of all classes with functions, sorted.
func (t *Table) IDs() []string {
	ids := make([]string, 0, len(t.classes))
	for _, c := range t.classes {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	return ids
}
