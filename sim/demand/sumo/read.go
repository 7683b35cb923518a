// Package sumo reads the demand of SUMO scenarios: route files (.rou.xml) and
// the vehicle types of additional files. It turns them into a demand.Demand of
// one city; networks, stops and programs are read by geo/sumo.
//
// Understood: vType, vTypeDistribution, route, routeDistribution, vehicle,
// trip, flow, stop. Times are kept as the file's seconds. Elements about
// persons, containers and infrastructure are passed over and, where they ask
// for travel, listed as dropped.
package sumo

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/sim/demand"
)

// File is one input with the name by which problems refer to it.
type File struct {
	Name   string
	Reader io.Reader
}

// maxTrips bounds what flows may expand to.
const maxTrips = 10_000_000

// Read returns the demand that the files describe together, resolved against
// the city; types and routes may be defined in any of them, before or after
// their use. Types and routes out of distributions are drawn by one random
// stream per vehicle id, so they do not depend on what else is read. The error
// lists every problem with file and line.
func Read(city *geo.City, seed uint64, files ...File) (*demand.Demand, error) {
	d, _, err := ReadAudit(city, seed, files...)
	return d, err
}

// ReadAudit is Read that also tells what the files ask for and the demand does
// not hold: persons and containers by kind, parameters of foreign models by
// vehicle type.
func ReadAudit(city *geo.City, seed uint64, files ...File) (*demand.Demand, []geo.Dropped, error) {
	r := newReader(city, seed)
	for _, f := range files {
		r.readFile(f)
	}
	r.resolve()
	if err := r.bad.Err("reading demand"); err != nil {
		return nil, nil, err
	}
	return &r.out, r.audit(), nil
}

type reader struct {
	city  *geo.City
	seed  uint64
	limit int
	bad   fault.List
	out   demand.Demand

	s    *scanner
	file string

	types   map[string]typeEntry
	routes  map[string]routeEntry
	byEdges map[string]demand.RouteID // unnamed routes by their text
	broken  map[demand.RouteID]bool   // routes with unknown edges, reported once
	halts   map[demand.RouteID][]demand.Halt
	wanted  []wanted
	flows   []flow
	skipped map[string]int   // elements not read, by name
	foreign []geo.Dropped    // parameters not kept
	ids     map[string]place // of vehicles
	strings map[string]string
}

// place is where something was defined.
type place struct {
	file string
	line int
}

func (p place) String() string { return p.file + ":" + strconv.Itoa(p.line) }

// wanted is a vehicle whose type and route are still names.
type wanted struct {
	trip    demand.Trip
	typ     string
	route   string      // "" when trip.Route is set or the trip is routed
	inline  *routeEntry // distribution inside the vehicle
	arrival string      // as written
	at      place
	failed  bool // a problem was already recorded
}

// entry is a definition by name: one type or route, or a distribution whose
// names are looked up at the end.
type entry[ID any] struct {
	members []ID
	weights []float64
	names   []string
	at      place
}

type (
	typeEntry  = entry[demand.TypeID]
	routeEntry = entry[demand.RouteID]
)

func newReader(city *geo.City, seed uint64) *reader {
	return &reader{city: city, seed: seed, limit: maxTrips,
		types: map[string]typeEntry{}, routes: map[string]routeEntry{}, byEdges: map[string]demand.RouteID{},
		broken: map[demand.RouteID]bool{}, halts: map[demand.RouteID][]demand.Halt{}, skipped: map[string]int{}, ids: map[string]place{}, strings: map[string]string{}}
}

func (r *reader) here() place { return place{r.file, r.s.tagLine} }

func (r *reader) addf(id, format string, args ...any) {
	r.bad.Addf(r.here().String(), id, format, args...)
}

func (r *reader) readFile(f File) {
	r.file, r.s = f.Name, newScanner(f.Reader)
	if err := r.document(); err != nil {
		r.bad.Addf(place{r.file, r.s.line}.String(), "", "%v", err)
	}
}

func (r *reader) document() error {
	switch tok, err := r.s.next(); {
	case err != nil:
		return err
	case tok != tokenStart:
		return fmt.Errorf("no XML element found, expected <routes> or <additional>")
	}
	switch root := string(r.s.name); root {
	case "net", "configuration", "sumoConfiguration":
		return fmt.Errorf("root element is <%s>, expected <routes> or <additional>", root)
	}
	if err := r.children(r.element); err != nil {
		return err
	}
	switch tok, err := r.s.next(); {
	case err != nil:
		return err
	case tok != tokenEOF:
		return fmt.Errorf("<%s> after the end of the document", r.s.name)
	}
	return nil
}

// children calls handle at the start tag of every child of the element just
// started; handle must read up to the child's end.
func (r *reader) children(handle func(name string) error) error {
	for {
		tok, err := r.s.next()
		if err != nil || tok == tokenEnd {
			return err
		}
		if err := handle(r.s.open[len(r.s.open)-1]); err != nil {
			return err
		}
	}
}

func (r *reader) element(name string) error {
	switch name {
	case "vehicle", "trip":
		return r.vehicle(name)
	case "flow":
		return r.flow()
	case "vType":
		_, _, err := r.vType()
		return err
	case "vTypeDistribution":
		return r.vTypeDistribution()
	case "route":
		return r.namedRoute()
	case "routeDistribution":
		id := r.idOf(name)
		e, err := r.routeDistribution(id)
		r.defineRoute(id, e)
		return err
	case "person", "personFlow", "container", "containerFlow", "tazRelation", "interval", "odPair":
		r.skipped[name]++
	}
	return r.s.skip()
}

// idOf returns the id attribute, recording when it is missing.
func (r *reader) idOf(element string) string {
	id, _ := r.s.attr("id")
	if len(id) == 0 {
		r.addf("", "<%s> has no id", element)
	}
	return string(id)
}

// number returns a numeric attribute, or fallback when it is absent; values
// outside [lo, hi] are recorded.
func (r *reader) number(id, name string, fallback, lo, hi float64) float64 {
	text, ok := r.s.attr(name)
	if !ok {
		return fallback
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil || !(v >= lo && v <= hi) {
		r.addf(id, "%s is %q, expected a number from %g to %g", name, clip(text), lo, hi)
		return fallback
	}
	return v
}

// maxSeconds keeps times within what a time.Duration holds.
const maxSeconds = 1e9

// seconds reads a time: seconds, hh:mm:ss or d:hh:mm:ss.
func seconds(text string) (time.Duration, error) {
	var total float64
	parts := strings.Split(strings.TrimSpace(text), ":")
	if len(parts) == 2 || len(parts) > 4 {
		return 0, fmt.Errorf("%q is no time, expected seconds, hh:mm:ss or d:hh:mm:ss", clip([]byte(text)))
	}
	scale := [...]float64{1, 60, 3600, 86400}
	for i, p := range parts {
		v, err := strconv.ParseFloat(p, 64)
		if err != nil || !(v >= 0 && v <= maxSeconds) {
			return 0, fmt.Errorf("%q is no time, expected seconds, hh:mm:ss or d:hh:mm:ss", clip([]byte(text)))
		}
		total += v * scale[len(parts)-1-i]
	}
	if total > maxSeconds {
		return 0, fmt.Errorf("%q is more than %g s", clip([]byte(text)), maxSeconds)
	}
	// Whole milliseconds are SUMO's resolution.
	return time.Duration(total*1000+0.5) * time.Millisecond, nil
}

// time returns a time attribute and whether it is present and sound.
func (r *reader) time(id, name string) (time.Duration, bool) {
	text, ok := r.s.attr(name)
	if !ok {
		return 0, false
	}
	d, err := seconds(string(text))
	if err != nil {
		r.addf(id, "%s: %v", name, err)
	}
	return d, err == nil
}

// segments resolves a list of edge ids.
func (r *reader) segments(id string, text []byte) (out []geo.SegmentID, ok bool) {
	ok = true
	for _, edge := range strings.Fields(string(text)) {
		if s, found := r.city.Segments.Find(edge); found {
			out = append(out, s)
		} else {
			r.addf(id, "edge %q is not in the city", edge)
			ok = false
		}
	}
	return out, ok
}

func (r *reader) audit() []geo.Dropped {
	out := r.foreign
	for _, kind := range sortedKeys(r.skipped) {
		out = append(out, geo.Dropped{Kind: kind, Why: fmt.Sprintf("%d elements: only vehicles are read", r.skipped[kind])})
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, cmp.Compare[string])
	return keys
}
