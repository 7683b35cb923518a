package scenarios

import "slices"

// DoNothing is the name under which the base stands in a ranking.
const DoNothing = "do nothing"

// Ranked is one place of a ranking: an alternative, or the base.
type Ranked struct {
	Scenario string // "" for the base
	Name     string
	Delay    Number // mean over replications, seconds per trip
	Diff     Number // to the base, with its interval
	Lo95     Number
	Hi95     Number
	Better   Verdict
}

// Rank orders alternatives and the base by delay, the least first, and returns
// what is to be done: the first alternative that is certain to be better, or
// "" for nothing. An alternative in which more replications stand still than in
// the base comes last and is never recommended.
func Rank(c *Comparison) (list []Ranked, recommended string) {
	stuck := map[string]bool{}
	for _, a := range c.Alternatives {
		k := a.KPIs[0]
		list = append(list, Ranked{a.Scenario, a.Name, k.Alt, k.Diff, k.Lo95, k.Hi95, k.Better})
		stuck[a.Scenario] = a.GridlockShare > c.Base.GridlockShare
	}
	if len(c.Alternatives) > 0 {
		list = append(list, Ranked{Name: DoNothing, Delay: c.Alternatives[0].KPIs[0].Base, Better: Unclear})
	}
	slices.SortStableFunc(list, func(a, b Ranked) int {
		switch x, y := stuck[a.Scenario], stuck[b.Scenario]; {
		case x != y && x:
			return 1
		case x != y:
			return -1
		case a.Delay < b.Delay:
			return -1
		case a.Delay > b.Delay:
			return 1
		}
		return 0
	})
	for _, r := range list {
		if r.Scenario != "" && r.Better == Better && !stuck[r.Scenario] {
			return list, r.Scenario
		}
	}
	return list, ""
}
