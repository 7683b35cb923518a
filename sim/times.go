package sim

import (
	"time"

	"tideway/geo"
)

// Travel times for routing, as SUMO's rerouting device makes them: the length of a
// segment over the mean speed on it since the last renewal, where every step counts the
// same and one without vehicles counts as free flow; not below the free time. A short
// queue at a red light weighs little so; a segment that is jammed weighs much.

// guideEvery is how often they are renewed when Input.Guide is 0.
const guideEvery = 5 * time.Minute

// seenSpeeds are the mean speeds of segments since the last renewal.
type seenSpeeds struct {
	sumMPS []float64 // by segment: of the steps in which it had vehicles
	steps  []int32   // these steps
	since  int64     // tick of the renewal
}

// guideTicks is how many steps lie between renewals.
func (e *Engine) guideTicks() int64 {
	every := e.in.Guide
	if every == 0 {
		every = guideEvery
	}
	return max(1, int64(every/e.step))
}

// watchSpeeds adds the mean speeds of this step; who has just come onto an empty lane is
// seen in the next one. The lanes of a segment are neighbours among the occupied tracks,
// and lanes come first. It takes 1 % of a step with 60 000 vehicles.
func (e *Engine) watchSpeeds() {
	w, tracks := &e.guide.seen, e.active.tracks
	for i := 0; i < len(tracks) && tracks[i] < trackID(e.net.lanes); {
		seg, sum, count := e.net.tracks[tracks[i]].seg, 0.0, 0
		for ; i < len(tracks) && tracks[i] < trackID(e.net.lanes) && e.net.tracks[tracks[i]].seg == seg; i++ {
			vs := e.road[tracks[i]]
			for j := range vs {
				sum += vs[j].speedMPS
			}
			count += len(vs)
		}
		if count > 0 {
			w.sumMPS[seg] += sum / float64(count)
			w.steps[seg]++
		}
	}
}

// renewGuide watches the speeds of this step, if somebody looks for ways, and renews
// travel times when it is time to.
func (e *Engine) renewGuide() {
	g := &e.guide
	if g.ways == nil {
		return
	}
	e.watchSpeeds()
	if e.tick < g.next {
		return
	}
	g.next = e.tick + e.guideTicks()
	g.age()
	w := &g.seen
	steps := float64(max(1, e.tick-w.since))
	for s, seg := range e.net.city.Segments.All() {
		mean := (w.sumMPS[s] + (steps-float64(w.steps[s]))*float64(seg.Limit)) / steps
		g.timeS[s] = segmentS(seg, mean)
		w.sumMPS[s], w.steps[s] = 0, 0
	}
	w.since = e.tick
}

// segmentS is the time that a segment takes at a mean speed.
func segmentS(seg geo.Segment, mps float64) float64 {
	return float64(seg.Length) / max(epsMPS, min(float64(seg.Limit), mps))
}
