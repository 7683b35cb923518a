package citycli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"

	"tideway/geo"
	"tideway/geo/gmns"
	"tideway/geo/match"
	"tideway/geo/places"
	"tideway/internal/fault"
	"tideway/unit"
)

// ZonesCmd is the command `tideway import zones`.
type ZonesCmd struct {
	File       string `arg:"" type:"existingfile" help:"GeoJSON, or a table with GeoJSON in a column; may be packed (.gz)."`
	City       string `required:"" type:"existingdir" placeholder:"DIR" help:"City folder to add to."`
	Kind       string `help:"What the areas are: statistical, restricted, ..."`
	ID         string `placeholder:"FIELD" help:"Property or column with the id."`
	Prefix     string `help:"Text put before every id, where sources share ids."`
	Name       string `placeholder:"FIELD" help:"Property or column with the name."`
	Population string `placeholder:"FIELD" help:"Property or column with the number of people."`
	Geometry   string `placeholder:"FIELD" help:"Column with the GeoJSON geometry."`
	JSON       bool   `name:"json" help:"Print one JSON object."`
}

// Run reads the zones, adds them to the city and prints the audit.
func (c *ZonesCmd) Run(k *kong.Context) (err error) {
	city, _, err := gmns.ReadDir(c.City)
	if err != nil {
		return err
	}
	var in inputs
	defer func() { err = errors.Join(err, in.close()) }()
	r, err := in.open(c.File)
	if err != nil {
		return err
	}
	zones, assumed, dropped, err := places.ReadZones(filepath.Base(c.File), r, places.ZoneFields{ID: c.ID, Prefix: c.Prefix, Name: c.Name, Population: c.Population, Geometry: c.Geometry, Kind: c.Kind})
	if err != nil {
		return err
	}
	if err := otherKinds(city, zones); err != nil {
		return err
	}
	d := city.Draft()
	replaced := 0
	d.Zones, replaced = merge(d.Zones, zones, func(z geo.Zone) string { return z.ID })
	return save(k, c.City, d, answer{Audit: geo.Audit{Assumed: assumed, Dropped: dropped}, Read: len(zones), Replaced: replaced}, c.JSON)
}

// otherKinds refuses zones that would take the place of zones of another kind:
// two sources that happen to count alike.
func otherKinds(c *geo.City, zones []geo.Zone) error {
	var bad fault.List
	for _, z := range zones {
		if id, known := c.Zones.Find(z.ID); known && c.Zones.At(id).Kind != z.Kind {
			bad.Addf("", z.ID, "the city has a zone of this id and kind %q, but these are %q; give --prefix", c.Zones.At(id).Kind, z.Kind)
		}
	}
	return bad.Err("adding zones")
}

// merge puts new records behind the old ones; those with an id that exists
// take its place.
func merge[T any](old, add []T, id func(T) string) (out []T, replaced int) {
	at := map[string]int{}
	for i, x := range old {
		at[id(x)] = i
	}
	for _, x := range add {
		if i, known := at[id(x)]; known {
			old[i] = x
			replaced++
			continue
		}
		old = append(old, x)
	}
	return old, replaced
}

// save builds the extended city, writes it and prints what is new.
func save(k *kong.Context, dir string, d *geo.Draft, a answer, asJSON bool) error {
	d.Assumed, _ = merge(d.Assumed, a.Assumed, func(x geo.Assumption) string { return x.Kind + "\x00" + x.ID + "\x00" + x.Field })
	city, err := d.Build()
	if err != nil {
		return err
	}
	if err := gmns.WriteDir(dir, city); err != nil {
		return err
	}
	audit := geo.NewAudit(city, a.Dropped)
	audit.Assumed = append([]geo.Assumption{}, a.Assumed...)
	a.Audit = audit
	return a.print(k.Stdout, city, asJSON)
}

// SensorsCmd is the command `tideway import sensors`.
type SensorsCmd struct {
	File    string  `arg:"" type:"existingfile" help:"Table or GeoJSON points; may be packed (.gz). A table of readings will do: rows with one id are one sensor."`
	City    string  `required:"" type:"existingdir" placeholder:"DIR" help:"City folder to add to."`
	Mapping string  `type:"existingfile" placeholder:"FILE" help:"YAML or JSON that names the columns; see docs/format.md."`
	Reach   float64 `default:"80" placeholder:"M" help:"Farthest segment considered, in metres."`
	JSON    bool    `name:"json" help:"Print one JSON object."`
}

// Run reads the sensors, matches them, adds them to the city and prints the
// review list.
func (c *SensorsCmd) Run(k *kong.Context) (err error) {
	mapping, err := c.mapping()
	if err != nil {
		return err
	}
	city, _, err := gmns.ReadDir(c.City)
	if err != nil {
		return err
	}
	var in inputs
	defer func() { err = errors.Join(err, in.close()) }()
	r, err := in.open(c.File)
	if err != nil {
		return err
	}
	sensors, dropped, err := places.ReadSensors(filepath.Base(c.File), r, mapping)
	if err != nil {
		return err
	}
	result := match.Match(city, sensors, match.Options{Reach: unit.Length(c.Reach)})
	a := answer{Read: len(sensors), Matching: matchingOf(city, result), Audit: geo.Audit{Assumed: c.assumed(result), Dropped: dropped}}
	d := city.Draft()
	d.Sensors, a.Replaced = merge(d.Sensors, result.Sensors, func(s geo.Sensor) string { return s.ID })
	return save(k, c.City, d, a, c.JSON)
}

func (c *SensorsCmd) mapping() (m places.SensorMapping, err error) {
	if c.Mapping == "" {
		return m, nil
	}
	data, err := os.ReadFile(c.Mapping)
	if err != nil {
		return m, err
	}
	if err := yaml.UnmarshalWithOptions(data, &m, yaml.Strict()); err != nil {
		return m, fmt.Errorf("reading mapping %s: %w", c.Mapping, err)
	}
	return m, nil
}

func (c *SensorsCmd) assumed(r match.Result) []geo.Assumption {
	if r.East == 0 && r.North == 0 {
		return nil
	}
	return []geo.Assumption{{Kind: "sensor", ID: filepath.Base(c.File), Field: "position", Value: fmt.Sprintf("%.1f m east, %.1f m north", r.East.M(), r.North.M()),
		Why: fmt.Sprintf("the sensors lie beside the network by so much together (standard error %.1f m); taken out for matching", r.ShiftError.M())}}
}

func matchingOf(c *geo.City, r match.Result) *matching {
	m := &matching{Matched: r.Matched, EastM: r.East.M(), NorthM: r.North.M(), Review: []review{}}
	for _, s := range r.Sensors {
		traffic := false
		for _, x := range s.Measures {
			traffic = traffic || x.Quantity.IsTraffic()
		}
		if traffic {
			m.Traffic++
		}
		if s.Match.Review {
			segment := ""
			if s.Segment != geo.NoSegment {
				segment = c.Segments.At(s.Segment).ID
			}
			m.Review = append(m.Review, review{Sensor: s.ID, Segment: segment, Confidence: float64(s.Match.Confidence), Why: s.Match.Why})
		}
	}
	return m
}
