package citycli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"tideway/geo"
	"tideway/internal/usage"
)

// answer is what an import prints. With --json the keys are stable.
type answer struct {
	geo.Audit
	Demand     *demandCounts `json:"demand,omitempty"`
	Read       int           `json:"read,omitempty"`     // zones or sensors of the input
	Replaced   int           `json:"replaced,omitempty"` // of those, how many the city had before
	Matching   *matching     `json:"matching,omitempty"`
	Saturation *saturation   `json:"saturation_flows,omitempty"`
	CPU        float64       `json:"cpu_s"`
}

type demandCounts struct {
	Types  int `json:"types"`
	Routes int `json:"routes"`
	Trips  int `json:"trips"`
}

// matching tells how sensors came to their segments.
type matching struct {
	Traffic int      `json:"traffic_sensors"`
	Matched int      `json:"matched"`
	EastM   float64  `json:"shift_east_m"`
	NorthM  float64  `json:"shift_north_m"`
	Review  []review `json:"review"`
}

// review is a sensor that a person should look at.
type review struct {
	Sensor     string  `json:"sensor"`
	Segment    string  `json:"segment"` // "" when none was found
	Confidence float64 `json:"confidence"`
	Why        string  `json:"why"`
}

func (a *answer) print(w io.Writer, c *geo.City, asJSON bool) error {
	a.CPU = usage.CPU().Seconds()
	if asJSON {
		return json.NewEncoder(w).Encode(a)
	}
	_, err := io.WriteString(w, a.text(c))
	return err
}

func (a *answer) text(c *geo.City) string {
	var b strings.Builder
	n := a.Counts
	fmt.Fprintf(&b, "%s, version %s, %s\n", c.Name, a.Version, c.TimeZone)
	fmt.Fprintf(&b, "  %d nodes, %d segments, %d lanes, %d movements with %d conflicts\n", n.Nodes, n.Segments, n.Lanes, n.Movements, n.Conflicts)
	fmt.Fprintf(&b, "  %d signals with %d programs, %d sensors, %d zones, %d bus stops\n", n.Signals, n.Programs, n.Sensors, n.Zones, n.Stops)
	fmt.Fprintf(&b, "  %.1f %% of the segments open to cars are in the largest strongly connected part\n", a.LargestSCC.Percent())
	if d := a.Demand; d != nil {
		fmt.Fprintf(&b, "  demand: %d vehicle types, %d routes, %d trips\n", d.Types, d.Routes, d.Trips)
	}
	if a.Read > 0 {
		fmt.Fprintf(&b, "  %d read, %d of them replaced\n", a.Read, a.Replaced)
	}
	a.Matching.write(&b)
	a.Saturation.write(&b)
	var assumed, dropped tally
	for _, x := range a.Assumed {
		at, why := place(x.Why)
		assumed.add(x.Kind+" "+x.Field+": "+why, x.ID+at+" = "+x.Value)
	}
	for _, x := range a.Dropped {
		at, why := place(x.Why)
		dropped.add(x.Kind+": "+why, x.ID+at)
	}
	assumed.write(&b, "assumed")
	dropped.write(&b, "dropped")
	return b.String()
}

func (m *matching) write(b *strings.Builder) {
	if m == nil {
		return
	}
	fmt.Fprintf(b, "  %d of %d traffic sensors matched", m.Matched, m.Traffic)
	if m.EastM != 0 || m.NorthM != 0 {
		fmt.Fprintf(b, "; the network lies %.1f m west and %.1f m south of them, taken out", m.EastM, m.NorthM)
	}
	fmt.Fprintf(b, "; %d to review\n", len(m.Review))
	for _, r := range m.Review {
		fmt.Fprintf(b, "    %s: %s, confidence %.2f: %s\n", r.Sensor, orNone(r.Segment), r.Confidence, r.Why)
	}
}

// place takes the file and line off the begin of a reason, so that reasons that
// differ in nothing else are told once.
func place(why string) (at, rest string) {
	where, rest, ok := strings.Cut(why, ": ")
	if file, line, lined := strings.Cut(where, ":"); !ok || !lined || strings.Trim(line, "0123456789") != "" || strings.ContainsAny(file, " ,") {
		return "", why
	}
	return " at " + where, rest
}

func orNone(id string) string {
	if id == "" {
		return "no segment"
	}
	return "segment " + id
}

// tally groups entries that differ only in their id.
type tally struct {
	order []string
	of    map[string][]string
}

func (t *tally) add(group, id string) {
	if t.of == nil {
		t.of = map[string][]string{}
	}
	if t.of[group] == nil {
		t.order = append(t.order, group)
	}
	t.of[group] = append(t.of[group], id)
}

// shown is how many ids of a group are printed; the folder's assumption.csv
// and --json have them all.
const shown = 3

func (t *tally) write(b *strings.Builder, title string) {
	if len(t.order) == 0 {
		return
	}
	fmt.Fprintf(b, "%s\n", title)
	for _, g := range t.order {
		ids := t.of[g]
		more := ""
		if len(ids) > shown {
			more, ids = ", ...", ids[:shown]
		}
		fmt.Fprintf(b, "  %5d %s (%s%s)\n", len(t.of[g]), g, strings.Join(ids, ", "), more)
	}
}
