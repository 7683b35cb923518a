package sumo

import (
	"io"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/internal/fault"
)

// File is a named input; Name is used in messages only.
type File struct {
	Name   string
	Reader io.Reader
}

// Options tell what a SUMO network does not hold.
type Options struct {
	Name     string     // of the city; "" takes the network file's name
	TimeZone string     // IANA name, required
	Origin   *orb.Point // lon/lat of the network's (0, 0), for networks without a projection
}

// Report is what an import says about itself besides the city.
type Report struct {
	geo.Audit
	Demand []string // inputs that hold vehicle types, routes or flows: for sim/demand/sumo
}

// Read imports a network with its additional files, in their order: a program
// of an additional file replaces the network's, and the last one is in force.
// The error lists every problem with file and line.
func Read(net File, additional []File, opt Options) (*geo.City, *Report, error) {
	im := newImport(opt)
	im.readNet(net)
	for _, f := range additional {
		im.readAdditional(f)
	}
	if im.bad.Len() == 0 {
		im.assemble()
	}
	if err := im.bad.Err("importing SUMO network " + net.Name); err != nil {
		return nil, nil, err
	}
	if im.draft.Name == "" {
		im.draft.Name = cityName(net.Name)
	}
	city, err := im.draft.Build()
	if err != nil {
		return nil, nil, err
	}
	return city, &Report{Audit: geo.NewAudit(city, im.dropped), Demand: im.demand}, nil
}

// importer holds the raw records of all inputs until they are assembled: a
// network names its nodes only after its streets.
type importer struct {
	opt   Options
	bad   fault.List
	draft geo.Draft

	location  location
	edges     []rawEdge
	inner     map[string]*rawLane // internal lanes by id
	junctions []rawJunction
	links     []rawLink         // connections between streets, in file order
	next      map[string]string // internal lane to the one after it in its chain
	programs  []rawProgram
	round     map[string]bool // edges of roundabouts
	via       []string        // first internal lane of a movement, by geo.MovementID
	places    []rawPlace      // detectors and stops
	districts []rawDistrict

	nodeAt   map[string]geo.NodeID
	segAt    map[string]geo.SegmentID
	laneAt   map[string]geo.LaneID
	signalAt map[string]geo.SignalID
	paths    []path // one per movement

	dropped []geo.Dropped
	skipped map[string]int // elements of additional files that a city has no place for
	demand  []string
}

func newImport(opt Options) *importer {
	return &importer{opt: opt, inner: map[string]*rawLane{}, next: map[string]string{}, round: map[string]bool{},
		nodeAt: map[string]geo.NodeID{}, segAt: map[string]geo.SegmentID{}, laneAt: map[string]geo.LaneID{},
		signalAt: map[string]geo.SignalID{}, skipped: map[string]int{},
		draft: geo.Draft{Name: opt.Name, TimeZone: opt.TimeZone}}
}

// assemble turns the raw records into the draft. Each step stands on the ones
// before it.
func (im *importer) assemble() {
	im.setFrame()
	im.addNodes()
	im.addSegments()
	im.addSignals()
	im.addMovements()
	im.addConflicts()
	im.addPlans()
	im.addPlaces()
	im.addDistricts()
	im.assumeCapacity()
	im.reportSkipped()
}

func (im *importer) drop(kind, id, why string) {
	im.dropped = append(im.dropped, geo.Dropped{Kind: kind, ID: id, Why: why})
}

func (im *importer) assume(kind, id, field, value, why string) {
	im.draft.Assumed = append(im.draft.Assumed, geo.Assumption{Kind: kind, ID: id, Field: field, Value: value, Why: why})
}
