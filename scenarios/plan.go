package scenarios

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/sim/signal"
)

// MinGreen is the shortest green a scenario may leave a stage with, where the
// plan names no minimum of its own.
const MinGreen = 4 * time.Second

// IsGreenStage reports whether a stage is there to let traffic go: somebody is
// green and nobody is between green and red.
func IsGreenStage(s geo.Stage) bool {
	return slices.ContainsFunc(s.States, geo.SignalState.IsGreen) &&
		!slices.ContainsFunc(s.States, func(v geo.SignalState) bool { return v == geo.Yellow || v == geo.RedYellow })
}

// setDuration changes a stage; fixed ones keep Min = Duration = Max.
func setDuration(s *geo.Stage, d time.Duration) {
	if s.Min == s.Duration && s.Max == s.Duration {
		s.Min, s.Max = d, d
	}
	s.Duration = d
	s.Min, s.Max = min(s.Min, d), max(s.Max, d)
}

// ScalePlan changes a plan's cycle in place: green stages and splits are scaled
// to fill it in proportion, in whole seconds where all of them were, yellow and
// all-red stay. It fails when the new cycle leaves a green less than MinGreen.
func ScalePlan(p *geo.Plan, cycle time.Duration) error {
	if cycle <= 0 || cycle > time.Hour {
		return fmt.Errorf("cycle is %v, expected more than 0 s and at most 1 h", cycle)
	}
	if p.Kind == geo.RingBarrier {
		return scaleRings(p, cycle)
	}
	var green, fixed time.Duration
	var at []int
	for i, s := range p.Stages {
		if IsGreenStage(s) {
			green += s.Duration
			at = append(at, i)
		} else {
			fixed += s.Duration
		}
	}
	if green+fixed == cycle {
		p.Cycle = cycle
		return nil
	}
	if green == 0 || cycle-fixed < time.Duration(len(at))*MinGreen {
		return fmt.Errorf("clearances take %v, which leaves %d greens less than %v each", fixed, len(at), MinGreen)
	}
	shares := make([]time.Duration, len(at))
	for i, k := range at {
		shares[i] = p.Stages[k].Duration
	}
	for i, d := range proportion(shares, cycle-fixed) {
		setDuration(&p.Stages[at[i]], d)
	}
	p.Cycle = cycle
	return nil
}

// scaleRings scales the splits of every ring and barrier group alike, so that
// barriers stay aligned.
func scaleRings(p *geo.Plan, cycle time.Duration) error {
	if cycle == p.Cycle {
		return nil
	}
	if p.Cycle <= 0 {
		return fmt.Errorf("the plan has no cycle to scale")
	}
	barriers := map[int]time.Duration{} // length of each barrier group: the longest ring
	var order []int
	groups := map[[2]int][]int{}
	for i, ph := range p.Phases {
		key := [2]int{ph.Ring, ph.Barrier}
		groups[key] = append(groups[key], i)
		if !slices.Contains(order, ph.Barrier) {
			order = append(order, ph.Barrier)
		}
	}
	for key, of := range groups { // a maximum does not depend on the order
		var sum time.Duration
		for _, i := range of {
			sum += p.Phases[i].Split
		}
		barriers[key[1]] = max(barriers[key[1]], sum)
	}
	slices.Sort(order)
	lengths := make([]time.Duration, len(order))
	for i, k := range order {
		lengths[i] = barriers[k]
	}
	for i, length := range proportion(lengths, cycle) {
		for key, of := range groups { // every group is changed once, on its own
			if key[1] == order[i] {
				scaleGroup(p, of, length)
			}
		}
	}
	p.Cycle = cycle
	return nil
}

func scaleGroup(p *geo.Plan, phases []int, length time.Duration) {
	splits := make([]time.Duration, len(phases))
	for i, k := range phases {
		splits[i] = p.Phases[k].Split
	}
	for i, d := range proportion(splits, length) {
		p.Phases[phases[i]].Split = d
	}
}

// proportion splits total like the shares, by largest remainder in whole
// seconds when all numbers are whole seconds, else in milliseconds.
func proportion(shares []time.Duration, total time.Duration) []time.Duration {
	grain := time.Second
	var sum time.Duration
	for _, s := range shares {
		sum += s
		if s%time.Second != 0 {
			grain = time.Millisecond
		}
	}
	if total%time.Second != 0 {
		grain = time.Millisecond
	}
	out := make([]time.Duration, len(shares))
	rest, order := total, make([]int, len(shares))
	remainder := make([]float64, len(shares))
	for i, s := range shares {
		exact := float64(total) * float64(s) / float64(sum)
		out[i] = time.Duration(math.Floor(exact/float64(grain))) * grain
		remainder[i] = exact - float64(out[i])
		rest -= out[i]
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case remainder[a] > remainder[b]:
			return -1
		case remainder[a] < remainder[b]:
			return 1
		}
		return a - b
	})
	for i := 0; rest > 0; i = (i + 1) % len(order) {
		d := min(grain, rest)
		out[order[i]] += d
		rest -= d
	}
	return out
}

// Finding is one thing to say about a plan at its signal.
type Finding struct {
	Rule    string // of signal engineering (signal.IssueKind), or "min_green"
	Stage   int    // from 1; 0: none
	Phase   int    // NEMA number; 0: none
	Text    string
	Refused bool // no scenario may put it in force; else advice, or as it was before
}

// minGreenRule names the rule that greens last at least leastGreen.
const minGreenRule = "min_green"

// checkPlan records what makes a plan unusable at its signal. was is the plan it
// came from by changed times, nil for a new one: what was already so, there or
// in the plan in force, is not held against the change.
func checkPlan(city *geo.City, p geo.Plan, was *geo.Plan, where string, bad *fault.List) {
	var found fault.List
	geo.CheckPlan(p, city.Signals.At(p.Signal), &found)
	err := found.Err("")
	if err == nil {
		refuse(city, p, findings(city, p, was), &found)
		err = found.Err("")
	}
	if many := (*fault.Error)(nil); errors.As(err, &many) {
		for _, q := range many.Problems {
			bad.Addf(where, q.ID, "%s", q.Text)
		}
	}
}

// findings returns everything to say about a plan that geo.CheckPlan accepts:
// greens below their minimum and the rules of signal engineering.
func findings(city *geo.City, p geo.Plan, was *geo.Plan) []Finding {
	return append(shortGreens(city, p, was), unsafe(city, p, was)...)
}

// refuse records the findings that no scenario may put in force.
func refuse(city *geo.City, p geo.Plan, found []Finding, bad *fault.List) {
	for _, f := range found {
		if f.Refused {
			bad.Addf("plan", planName(city, p), "%s", f.Text)
		}
	}
}

// unsafe returns what the rules of signal engineering say; refused is what
// breaks one that the plan before it kept.
func unsafe(city *geo.City, p geo.Plan, was *geo.Plan) (out []Finding) {
	if was == nil {
		if at := city.Signals.At(p.Signal).Plan; at != geo.NoPlan {
			inForce := city.Plans.At(at)
			was = &inForce
		}
	}
	key := func(i signal.Issue) string { // stages may have changed places, or become phases
		if len(i.Groups) > 0 {
			return fmt.Sprint(i.Kind, i.Groups)
		}
		return fmt.Sprint(i.Kind, i.Phase)
	}
	old := map[string]bool{}
	if was != nil {
		for _, i := range signal.Validate(city, *was) {
			old[key(i)] = true
		}
	}
	for _, i := range signal.Validate(city, p) {
		out = append(out, Finding{Rule: string(i.Kind), Stage: i.Stage, Phase: i.Phase, Text: fmt.Sprintf("%s (rule %s)", i.Text, i.Kind), Refused: !i.Advice && !old[key(i)]})
	}
	return out
}

// shortGreens returns greens that are shorter than their minimum. A green that
// the plan before it, or the one in force, shows as shortly may stay so.
func shortGreens(city *geo.City, p geo.Plan, was *geo.Plan) (out []Finding) {
	for k, st := range p.Stages {
		if !IsGreenStage(st) {
			continue
		}
		if least := leastGreen(city, p.Signal, was, st); st.Duration < least {
			out = append(out, Finding{Rule: minGreenRule, Stage: k + 1, Refused: true,
				Text: fmt.Sprintf("stage %d is green for %v, expected at least %v", k+1, st.Duration, least)})
		}
	}
	return out
}

// leastGreen returns the shortest that a green stage may be: the minimum that
// its plan or the one in force names for it, else MinGreen, or what they show.
func leastGreen(city *geo.City, s geo.SignalID, was *geo.Plan, st geo.Stage) time.Duration {
	least := MinGreen
	var before []geo.Stage
	if was != nil {
		before = was.Stages
	}
	if at := city.Signals.At(s).Plan; at != geo.NoPlan {
		before = slices.Concat(before, city.Plans.At(at).Stages)
	}
	before = slices.DeleteFunc(slices.Clone(before), func(old geo.Stage) bool { return !slices.Equal(old.States, st.States) })
	for _, old := range before {
		if old.Min < old.Duration {
			least = max(least, old.Min)
		}
	}
	for _, old := range before {
		least = min(least, old.Duration)
	}
	return least
}

func planName(city *geo.City, p geo.Plan) string { return city.Signals.At(p.Signal).ID + "/" + p.ID }
