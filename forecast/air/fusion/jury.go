package fusion

import "math"

// leastJury is how many stations it takes to say something of one left out.
const leastJury = 3

// juryHours is how many hours the scores look back: a week.
const juryHours = 7 * 24

// Jury leaves every station out in turn, hour by hour as they come, and keeps
// the scores of the past week. It costs one filter a station. It is not safe for
// concurrent use.
type Jury struct {
	places  []Place
	filters []*Filter
	field   Field
	groups  int
	hours   [][]verdict // newest last
}

// verdict is what was said of one station in one hour, and what it measured.
type verdict struct{ with, without, truth float64 }

// NewJury returns a jury of stations; with fewer than three it never speaks.
func NewJury(places []Place, groups int, c Config, f Field) *Jury {
	j := &Jury{places: places, field: f, groups: groups}
	if len(places) >= leastJury {
		for range places {
			j.filters = append(j.filters, NewFilter(groups, c))
		}
	}
	return j
}

// Hear takes an hour in.
func (j *Jury) Hear(h Hour) {
	var hour []verdict
	for left, filter := range j.filters {
		others := h
		others.ObservedUGM3 = append([]float64{}, h.ObservedUGM3...)
		others.ObservedUGM3[left] = math.NaN()
		v := verdict{with: said(filter, others, j.places, j.field, left), without: j.plain(others, left, filter.c), truth: h.ObservedUGM3[left]}
		if !math.IsNaN(v.with) && !math.IsNaN(v.without) && !math.IsNaN(v.truth) {
			hour = append(hour, v)
		}
	}
	j.hours = append(j.hours, hour)
	if len(j.hours) > juryHours {
		j.hours = j.hours[1:]
	}
}

// said is what a filter that does not hear a station says of it.
func said(f *Filter, h Hour, places []Place, spread Field, left int) float64 {
	e := f.Update(h)
	return e.StationUGM3[left] * spread.Correct(places, h.ObservedUGM3, e.StationUGM3, f.c.FloorUGM3, places[left:left+1])[0]
}

// plain is the model as it is, over the background that the other stations see.
func (j *Jury) plain(h Hour, left int, c Config) float64 {
	added := make([]float64, len(h.ObservedUGM3))
	for s := range added {
		for g := range j.groups {
			added[s] += h.AddedUGM3[s*j.groups+g]
		}
	}
	b := h.BackgroundUGM3
	if math.IsNaN(b) {
		b = Background(h.ObservedUGM3, added, c)
	}
	return b + added[left]
}

// Scores returns how the past week's hours went with what stations teach, and
// with the model alone (factors 1, no residuals). N is 0 while there are none.
func (j *Jury) Scores() (with, without Scores) {
	var a, b, truth [][]float64
	for _, hour := range j.hours {
		for _, v := range hour {
			a, b, truth = append(a, []float64{v.with}), append(b, []float64{v.without}), append(truth, []float64{v.truth})
		}
	}
	return Score(a, truth), Score(b, truth)
}
