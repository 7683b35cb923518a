package geo

import "slices"

// Draft returns a draft with the city's content, to build a varied city from:
// with more sensors or zones, say. Lists are copies, records share what is
// inside them: replace, do not write into shapes and stages.
func (c *City) Draft() *Draft {
	d := &Draft{Name: c.Name, TimeZone: c.TimeZone.String(), Frame: c.Frame,
		Nodes: slices.Clone(c.Nodes.rows), Segments: slices.Clone(c.Segments.rows), Lanes: slices.Clone(c.Lanes.rows),
		Movements: slices.Clone(c.Movements.rows), Signals: slices.Clone(c.Signals.rows), Plans: slices.Clone(c.Plans.rows),
		Schedule: slices.Clone(c.Schedule), Zones: slices.Clone(c.Zones.rows), Sensors: slices.Clone(c.Sensors.rows),
		Stops: slices.Clone(c.Stops.rows), Assumed: slices.Clone(c.Assumed)}
	if len(c.conflicts.items) > 0 {
		d.Conflicts = make([][]Conflict, c.Movements.Len())
		for m := range d.Conflicts {
			d.Conflicts[m] = slices.Clone(c.Conflicts(MovementID(m)))
		}
	}
	for p := range d.Plans { // Build writes into them
		d.Plans[p].Stages, d.Plans[p].Phases = slices.Clone(d.Plans[p].Stages), slices.Clone(d.Plans[p].Phases)
	}
	return d
}
