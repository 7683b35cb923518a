package geo

import "tideway/unit"

// Audit is what an import reports: how much came in, what had to be assumed,
// what was left out, and how far the network hangs together. Its JSON keys are
// stable.
type Audit struct {
	Version    string       `json:"city_version"`
	Counts     Counts       `json:"counts"`
	Assumed    []Assumption `json:"assumed"`
	Dropped    []Dropped    `json:"dropped"`
	LargestSCC unit.Share   `json:"largest_scc_share"` // of the segments open to cars
}

// Counts is the number of records of each kind in a city.
type Counts struct {
	Nodes     int `json:"nodes"`
	Segments  int `json:"segments"`
	Lanes     int `json:"lanes"`
	Movements int `json:"movements"`
	Conflicts int `json:"conflicts"`
	Signals   int `json:"signals"`
	Programs  int `json:"programs"`
	Sensors   int `json:"sensors"`
	Zones     int `json:"zones"`
	Stops     int `json:"stops"`
}

// NewAudit reports on a city just imported, from which dropped was left out.
func NewAudit(c *City, dropped []Dropped) Audit {
	return Audit{Version: c.Version, Assumed: append([]Assumption{}, c.Assumed...), Dropped: append([]Dropped{}, dropped...),
		LargestSCC: c.LargestSCC(), Counts: Counts{Nodes: c.Nodes.Len(), Segments: c.Segments.Len(), Lanes: c.Lanes.Len(),
			Movements: c.Movements.Len(), Conflicts: len(c.conflicts.items), Signals: c.Signals.Len(), Programs: c.Plans.Len(),
			Sensors: c.Sensors.Len(), Zones: c.Zones.Len(), Stops: c.Stops.Len()}}
}
