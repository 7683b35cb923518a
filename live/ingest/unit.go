package ingest

import (
	"strconv"
	"strings"
	"time"

	"tideway/geo"
)

// conversion turns a raw value into the canonical unit: value*factor + offset,
// times 3600 s over the interval where perInterval is set.
type conversion struct {
	factor, offset float64
	perInterval    bool
}

var same = conversion{factor: 1}

// apply converts v. It fails for a count per interval of unknown length.
func (c conversion) apply(v float64, intervalS uint32) (float64, bool) {
	switch {
	case c == same:
		return v, true
	case !c.perInterval:
		return v*c.factor + c.offset, true
	case intervalS == 0:
		return 0, false
	}
	return v * 3600 / float64(intervalS), true
}

// Factors between parts per billion (CO: per million) and mass: molar mass over
// the molar volume at 20 °C and 101.3 kPa, as the European directive
// 2008/50/EC reports (Annex VI.B).
const (
	molarVolume = 24.055 // l/mol
	no2PerPPB   = 46.0055 / molarVolume
	o3PerPPB    = 47.9982 / molarVolume
	coPerPPM    = 28.0101 / molarVolume
)

// massUnits are those of concentrations whose canonical unit is ug/m3.
func massUnits(perPPB float64) map[string]conversion {
	m := map[string]conversion{"ug/m3": same, "gq": same, "mg/m3": {factor: 1e3}, "gp": {factor: 1e3}, "ng/m3": {factor: 1e-3}}
	if perPPB > 0 {
		m["ppb"], m["ppm"] = conversion{factor: perPPB}, conversion{factor: perPPB * 1e3}
	}
	return m
}

var shareUnits = map[string]conversion{"share": same, "1": same, "percent": {factor: 0.01}, "%": {factor: 0.01}, "permille": {factor: 0.001}}

var units = map[geo.Quantity]map[string]conversion{
	geo.Speed: {"km/h": same, "kmh": same, "kph": same, "kmt": same, "m/s": {factor: 3.6}, "mps": {factor: 3.6}, "mts": {factor: 3.6},
		"mph": {factor: 1.609344}, "mi/h": {factor: 1.609344}, "kn": {factor: 1.852}},
	geo.Flow:          {"veh/h": same, "vph": same, "1/h": same, "veh/interval": {perInterval: true}, "count": {perInterval: true}, "veh": {perInterval: true}},
	geo.Occupancy:     shareUnits,
	geo.NO2:           massUnits(no2PerPPB),
	geo.O3:            massUnits(o3PerPPB),
	geo.CO:            {"mg/m3": same, "gp": same, "ug/m3": {factor: 1e-3}, "gq": {factor: 1e-3}, "ppm": {factor: coPerPPM}, "ppb": {factor: coPerPPM / 1e3}},
	geo.PM10:          massUnits(0),
	geo.PM25:          massUnits(0),
	geo.Temperature:   {"c": same, "°c": same, "cel": same, "k": {factor: 1, offset: -273.15}, "f": {factor: 5. / 9, offset: -160. / 9}, "°f": {factor: 5. / 9, offset: -160. / 9}},
	geo.WindSpeed:     {"m/s": same, "mps": same, "mts": same, "km/h": {factor: 1 / 3.6}, "kmh": {factor: 1 / 3.6}, "mph": {factor: 0.44704}, "kn": {factor: 1.852 / 3.6}},
	geo.WindDirection: {"deg": same, "°": same, "dd": same},
	geo.Humidity:      {"percent": same, "%": same, "p1": same, "share": {factor: 100}},
	geo.Pressure:      {"hpa": same, "mbar": same, "a97": same, "pa": {factor: 0.01}, "kpa": {factor: 10}},
	geo.Radiation:     {"w/m2": same},
	geo.Precipitation: {"mm": same, "l/m2": same, "cm": {factor: 10}, "in": {factor: 25.4}},
}

// plain spells units without letters that keyboards lack.
var plain = strings.NewReplacer("µ", "u", "μ", "u", "³", "3", "²", "2", " ", "")

// convert returns the conversion from a unit to the canonical one of q; ""
// means the canonical unit.
func convert(q geo.Quantity, unit string) (conversion, bool) {
	if unit == "" || unit == q.Unit() {
		return same, true
	}
	name := plain.Replace(strings.ToLower(unit))
	if c, ok := units[q][name]; ok {
		return c, true
	}
	if q == geo.Flow {
		return flowPer(name)
	}
	return conversion{}, false
}

// flowPer reads "veh/15min", "veh/30s", "veh/day".
func flowPer(name string) (conversion, bool) {
	per, ok := strings.CutPrefix(name, "veh/")
	if !ok {
		return conversion{}, false
	}
	d, ok := parseLength(per)
	if !ok {
		return conversion{}, false
	}
	return conversion{factor: float64(time.Hour) / float64(d)}, true
}

var lengths = map[string]time.Duration{"s": time.Second, "sec": time.Second, "min": time.Minute, "m": time.Minute,
	"h": time.Hour, "hour": time.Hour, "d": 24 * time.Hour, "day": 24 * time.Hour}

// parseLength reads a length of time: a number, 1 when left out, and s, min,
// h or d.
func parseLength(text string) (time.Duration, bool) {
	i := 0
	for i < len(text) && (text[i] >= '0' && text[i] <= '9' || text[i] == '.') {
		i++
	}
	n := 1.0
	if i > 0 {
		var err error
		if n, err = strconv.ParseFloat(text[:i], 64); err != nil {
			return 0, false
		}
	}
	unit, ok := lengths[strings.TrimSpace(text[i:])]
	d := time.Duration(n * float64(unit))
	return d, ok && d > 0
}

// Units returns the names of the units that values of q may come in.
func Units(q geo.Quantity) []string {
	out := make([]string, 0, len(units[q]))
	for name := range units[q] {
		out = append(out, name)
	}
	return sorted(out)
}
