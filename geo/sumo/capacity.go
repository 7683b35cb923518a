package sumo

import (
	"strconv"
	"time"

	"tideway/geo"
	"tideway/unit"
)

// saturation is the flow of one lane at full green: the base saturation flow
// of the Highway Capacity Manual (7th edition, ch. 19), 1900 passenger cars an
// hour.
const saturation = 1900 * unit.VPH

// assumeCapacity gives every segment the capacity of its car lanes: saturation
// flow, times the share of green where its movements are controlled.
func (im *importer) assumeCapacity() {
	d := &im.draft
	green := make([]unit.Share, len(d.Lanes)) // best share of a movement that leaves the lane
	for i := range green {
		green[i] = -1
	}
	for _, m := range d.Movements {
		green[m.From] = max(green[m.From], im.greenShare(m))
	}
	for i, l := range d.Lanes {
		if l.Allow.Has(geo.Car) {
			share := green[i]
			if share < 0 {
				share = 1 // no way on: the end of the network
			}
			d.Segments[l.Segment].Capacity += saturation * unit.Flow(share)
		}
	}
	for i := range d.Segments {
		s := &d.Segments[i]
		whole := float64(int(s.Capacity.VPH() + 0.5))
		s.Capacity = unit.Flow(whole) * unit.VPH
		im.assume("segment", s.ID, "capacity", strconv.FormatFloat(whole, 'f', 0, 64), "1900 veh/h for each lane open to cars, times the share of green")
	}
}

// greenShare is the part of the cycle in which a movement may go.
func (im *importer) greenShare(m geo.Movement) unit.Share {
	if m.Signal == geo.NoSignal || im.draft.Signals[m.Signal].Plan == geo.NoPlan {
		return 1
	}
	plan := im.draft.Plans[im.draft.Signals[m.Signal].Plan]
	var open time.Duration
	for _, s := range plan.Stages {
		if m.Group < len(s.States) && (s.States[m.Group].IsGreen() || s.States[m.Group] == geo.Off || s.States[m.Group] == geo.Blinking) {
			open += s.Duration
		}
	}
	return unit.Share(open) / unit.Share(plan.Cycle)
}
