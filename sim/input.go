package sim

import (
	"time"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/sim/demand"
	"tideway/unit"
)

// Input is everything a run depends on. The zero value of an optional field
// means its default.
type Input struct {
	City   *geo.City
	Demand *demand.Demand

	Begin, End time.Duration // departures before Begin are dropped and counted, none happens at or after End; End 0: open, for an Engine that is stepped by hand
	UntilClear bool          // run on after End until the last vehicle has left
	Step       time.Duration // length of a step; 0: 1 s
	StuckAfter time.Duration // a vehicle that waits this long at the head of its lane is released; 0: never
	Seed       uint64
	Threads    int          // 0: all cores; the result does not depend on it
	Day        time.Weekday // of Begin, for plan schedules

	Interval  time.Duration // of the result tables; 0: one interval for the whole run
	Detectors []Detector
	Sample    Sampling
	Reroute   unit.Share    // share of drivers who look for a way around when their route is closed; 0: all of them
	Guide     time.Duration // how often travel times for routing are renewed; 0: 5 min
	Log       bool          // keep one row per trip in the result
}

// DetectorKind is what a virtual detector observes.
type DetectorKind uint8

// Kinds of detector.
const (
	Loop     DetectorKind = iota // a point: counts, speeds and occupancy of front bumpers passing it
	LaneArea                     // a stretch of a lane: vehicles, speed and queue on it
)

// Detector is a virtual detector.
type Detector struct {
	ID       string
	Kind     DetectorKind
	Segment  geo.SegmentID
	Lane     geo.LaneID    // geo.NoLane: all lanes of Segment
	At       unit.Length   // from the begin of the lane; of a lane area its begin
	Length   unit.Length   // of a lane area
	Interval time.Duration // of its readings; 0: Input.Interval, and 60 s when that is 0 too
}

// Sampling asks for trajectories. The zero value asks for none.
type Sampling struct {
	Every time.Duration // spacing of the samples of one vehicle; 0: no sampling
	Share unit.Share    // of vehicles that are sampled, chosen by trip key; 0: all
}

const defaultStep = time.Second

// Check returns every problem of the input, or nil.
func (in *Input) Check() error {
	var bad fault.List
	if in.City == nil {
		bad.Addf("city", "", "is missing")
	}
	if in.Demand == nil {
		bad.Addf("demand", "", "is missing")
	}
	if in.Begin < 0 || (in.End != 0 && in.End <= in.Begin) {
		bad.Addf("begin, end", "", "run from %v to %v, expected 0 <= begin < end", in.Begin, in.End)
	}
	if in.Step < 0 || in.Step > 0 && (in.Step < 50*time.Millisecond || in.Step > 2*time.Second) {
		bad.Addf("step", "", "is %v, expected 50ms to 2s", in.Step)
	}
	if in.StuckAfter < 0 || in.Interval < 0 || in.Sample.Every < 0 || in.Guide < 0 {
		bad.Addf("stuck-after, interval, sample, guide", "", "must not be negative")
	}
	if in.City != nil {
		in.checkDetectors(&bad)
	}
	return bad.Err("checking the simulation's input")
}

func (in *Input) checkDetectors(bad *fault.List) {
	for _, d := range in.Detectors {
		if int(d.Segment) >= in.City.Segments.Len() || d.Lane != geo.NoLane && int(d.Lane) >= in.City.Lanes.Len() {
			bad.Addf("detector", d.ID, "stands on segment %d, lane %d, which do not exist", d.Segment, d.Lane)
			continue
		}
		if length := in.City.Segments.At(d.Segment).Length; d.At < 0 || d.At > length+1 {
			bad.Addf("detector", d.ID, "stands at %.1f m of a segment of %.1f m", d.At.M(), length.M())
		}
		if d.Kind == LaneArea && d.Length <= 0 {
			bad.Addf("detector", d.ID, "covers %.1f m, expected more than 0", d.Length.M())
		}
	}
}
