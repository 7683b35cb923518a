package forecast

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"tideway/internal/parallel"
)

// ProfileConfig says how the usual course of a day is estimated. The zero
// value is replaced by DefaultProfile.
type ProfileConfig struct {
	HalfLife time.Duration // age at which a day weighs half
	Memory   time.Duration // older days are ignored
	Smooth   float64       // standard deviation of the Gaussian over slots, in slots
	Shrink   float64       // days that the parent kind counts for against the own day of the week
	Causal   int           // days of the kind that must lie before a day for its leave-one-out value to use earlier days only
}

// DefaultProfile returns the configuration used unless a fit selects a better
// one: two weeks of half-life (of 1 to 26 weeks the best on 18 months of
// hourly detectors), eight weeks of memory, smoothing over ten minutes.
func DefaultProfile(interval time.Duration) ProfileConfig {
	return ProfileConfig{
		HalfLife: 14 * 24 * time.Hour, Memory: 56 * 24 * time.Hour,
		Smooth: min(2, 10/interval.Minutes()), Shrink: 2, Causal: 6,
	}
}

// Profile is the usual course of a day of each series, by class of day and
// slot of the local clock. It is immutable.
type Profile struct {
	cfg    ProfileConfig
	slots  int
	curves []float32 // (row*numClasses + class)*slots + slot
	spread []float32 // (row*2 + kind)*slots + slot: mean absolute deviation of leave-one-out residuals
}

// At returns the usual value of a row at a moment, NaN when the row has no
// history at all.
func (p *Profile) At(row int, m Moment) float32 {
	return p.curves[(row*numClasses+int(m.Class))*p.slots+int(m.Slot)]
}

// Spread returns the mean absolute deviation from the profile of a row around
// a moment, NaN when unknown.
func (p *Profile) Spread(row int, m Moment) float32 {
	return p.spread[(row*numKinds+m.Class.kind())*p.slots+int(m.Slot)]
}

// Rows returns the number of series.
func (p *Profile) Rows() int { return len(p.curves) / (numClasses * p.slots) }

// pools are the days a class of day borrows from, from the nearest kin to
// anybody: a set of classes as bits.
var pools = [numClasses][3]uint8{
	time.Sunday: {free, all, all}, time.Monday: {working, all, all}, time.Tuesday: {working, all, all},
	time.Wednesday: {working, all, all}, time.Thursday: {working, all, all}, time.Friday: {working, all, all},
	time.Saturday: {free, all, all}, Holiday: {1<<time.Sunday | 1<<Holiday, free | 1<<Holiday, all},
}

const (
	working uint8 = 1<<time.Monday | 1<<time.Tuesday | 1<<time.Wednesday | 1<<time.Thursday | 1<<time.Friday
	free    uint8 = 1<<time.Saturday | 1<<time.Sunday
	all     uint8 = 0xff
)

// FitProfile estimates the profile of every row of a panel as of its end, and
// the leave-one-day-out values: for every row and step (row-major, as
// Panel.Values) what the profile would have said had the step's own day never
// been seen. Errors of a model trained on leave-one-out values are those it
// will make on new days; with the in-sample profile they would be too small.
// Steps of days before the panel's last recent days get NaN (recent 0: all).
//
// The estimate at a slot is the mean of the middle 60 % of past days weighted
// by 2^(-age/HalfLife), for the day's class shrunk towards its kind (working
// days, weekend; a holiday leans on Sundays), smoothed over neighbouring slots.
func FitProfile(p *Panel, cfg ProfileConfig, threads, recent int) (*Profile, []float32) {
	slots := Slots(p.Interval)
	prof := &Profile{
		cfg:    cfg,
		slots:  slots,
		curves: make([]float32, len(p.Series)*numClasses*slots),
		spread: make([]float32, len(p.Series)*numKinds*slots),
	}
	loo := make([]float32, len(p.Values))
	days := daysOf(p.Moments)
	parallel.ForShards(threads, len(p.Series), 64, func(s parallel.Shard) {
		f := newProfileFit(p, cfg, days, slots)
		for row := s.Begin; row < s.End; row++ {
			f.load(p.Row(row))
			f.outlook(prof.curves[row*numClasses*slots : (row+1)*numClasses*slots])
			mine := loo[row*p.Steps() : (row+1)*p.Steps()]
			f.leaveOut(mine, recent, f.weighWithout)
			f.deviation(p.Row(row), mine, prof.spread[row*numKinds*slots:(row+1)*numKinds*slots])
		}
	})
	return prof, loo
}

// LeaveTwoOut returns further leave-one-out values of a panel, draws times:
// every day's lack one more day of its kind, another one in each draw, as long
// as two are left to choose from. With few days the one set of leave-one-out
// values tells by what it lacks which day it is for; a model that sees several
// cannot learn that by heart, and learns how far to trust a profile that other
// days might have made differently. They are row-major, as Panel.Values. It
// returns ctx's error when that ends.
func (p *Profile) LeaveTwoOut(ctx context.Context, panel *Panel, threads, draws int) ([][]float32, error) {
	out, days := make([][]float32, draws), daysOf(panel.Moments)
	for draw := range out {
		out[draw] = make([]float32, len(panel.Values))
		parallel.ForShards(threads, len(panel.Series), 64, func(s parallel.Shard) {
			f := newProfileFit(panel, p.cfg, days, p.slots)
			for row := s.Begin; row < s.End && ctx.Err() == nil; row++ {
				f.load(panel.Row(row))
				f.leaveOut(out[draw][row*panel.Steps():(row+1)*panel.Steps()], 0, func(d int) {
					f.weighWithout(d)
					f.omit(d, draw)
				})
			}
		})
	}
	return out, ctx.Err()
}

// panelDay is one local day of a panel and its steps [begin, end).
type panelDay struct {
	day        int32
	class      DayClass
	begin, end int
}

func daysOf(moments []Moment) (days []panelDay) {
	for i, m := range moments {
		if len(days) == 0 || days[len(days)-1].day != m.Day {
			days = append(days, panelDay{day: m.Day, class: m.Class, begin: i})
		}
		days[len(days)-1].end = i + 1
	}
	return days
}

// profileFit holds the scratch of one worker.
type profileFit struct {
	cfg     ProfileConfig
	moments []Moment
	days    []panelDay
	slots   int
	bySlot  [][]sample // sorted by value
	weight  []float32  // per day, of the estimate under way
	picked  []sample
	raw     []float32
	kernel  []float32
}

type sample struct {
	value, weight float32
	day           int32 // position in days
}

func newProfileFit(p *Panel, cfg ProfileConfig, days []panelDay, slots int) *profileFit {
	return &profileFit{
		cfg: cfg, moments: p.Moments, days: days, slots: slots, bySlot: make([][]sample, slots),
		weight: make([]float32, len(days)), raw: make([]float32, slots), kernel: gaussian(cfg.Smooth),
	}
}

// load sorts a row's values by slot.
func (f *profileFit) load(values []float32) {
	for s := range f.bySlot {
		f.bySlot[s] = f.bySlot[s][:0]
	}
	for d, day := range f.days {
		for i := day.begin; i < day.end; i++ {
			if v := values[i]; !isMissing(v) {
				s := f.moments[i].Slot
				f.bySlot[s] = append(f.bySlot[s], sample{value: v, day: int32(d)})
			}
		}
	}
	for _, b := range f.bySlot {
		slices.SortFunc(b, func(a, b sample) int { return cmp.Compare(a.value, b.value) })
	}
}

// outlook fills the curves of all classes as of the end of the panel.
func (f *profileFit) outlook(curves []float32) {
	if len(f.days) == 0 {
		fill(curves, missing)
		return
	}
	last := f.days[len(f.days)-1].day
	for d := range f.days {
		f.weight[d] = f.decay(last - f.days[d].day)
	}
	for c := range DayClass(numClasses) {
		f.curve(c, curves[int(c)*f.slots:(int(c)+1)*f.slots])
	}
}

// leaveOut fills the value of every step under the weights that weigh sets for
// its day.
func (f *profileFit) leaveOut(out []float32, recent int, weigh func(d int)) {
	curve := make([]float32, f.slots)
	for d, day := range f.days {
		if recent > 0 && d < len(f.days)-recent {
			fill(out[day.begin:day.end], missing)
			continue
		}
		weigh(d)
		f.curve(day.class, curve)
		for i := day.begin; i < day.end; i++ {
			out[i] = curve[f.moments[i].Slot]
		}
	}
}

// weighWithout sets the weights of an estimate that has not seen day d: earlier
// days alone where they are enough, as in service, else days on both sides.
func (f *profileFit) weighWithout(d int) {
	before, kin := 0, pools[f.days[d].class][0]
	for e := range f.days[:d] {
		if kin>>f.days[e].class&1 == 1 {
			before++
		}
	}
	for e := range f.days {
		f.weight[e] = 0
		if e < d || e > d && before < f.cfg.Causal {
			f.weight[e] = f.decay(max(f.days[d].day-f.days[e].day, f.days[e].day-f.days[d].day))
		}
	}
}

// omit takes the weight of one more day of d's kind, if another is left.
func (f *profileFit) omit(d, draw int) {
	var kin []int
	for e := range f.days {
		if f.weight[e] > 0 && pools[f.days[d].class][0]>>f.days[e].class&1 == 1 {
			kin = append(kin, e)
		}
	}
	if len(kin) > 1 {
		f.weight[kin[(d+draw)%len(kin)]] = 0
	}
}

func (f *profileFit) decay(days int32) float32 {
	age := time.Duration(days) * 24 * time.Hour
	if age > f.cfg.Memory {
		return 0
	}
	return float32(math.Exp2(-float64(age) / float64(f.cfg.HalfLife)))
}

// curve estimates one day's course under the current weights.
func (f *profileFit) curve(c DayClass, out []float32) {
	for s := range f.raw {
		f.raw[s] = f.estimate(c, f.bySlot[s])
	}
	smooth(f.raw, f.kernel, out)
	bridge(out)
}

func (f *profileFit) estimate(c DayClass, sorted []sample) float32 {
	parent := missing
	for _, pool := range pools[c] {
		if parent, _ = f.centre(sorted, pool); !isMissing(parent) {
			break
		}
	}
	own, n := f.centre(sorted, 1<<c)
	if isMissing(own) || isMissing(parent) {
		return parent
	}
	k := float32(f.cfg.Shrink)
	return (n*own + k*parent) / (n + k)
}

// middle is the share of the weight, in the middle of the sorted values, whose
// mean is taken: nearly as robust as the median, and on counts 1 % closer.
const middle = .6

// centre returns the weighted mean of the middle of the samples whose day's
// class is in the pool, and the total weight.
func (f *profileFit) centre(sorted []sample, pool uint8) (value, total float32) {
	f.picked = f.picked[:0]
	for _, s := range sorted {
		if w := f.weight[s.day]; w > 0 && pool>>f.days[s.day].class&1 == 1 {
			f.picked = append(f.picked, sample{value: s.value, weight: w})
			total += w
		}
	}
	lo, hi := total*(1-middle)/2, total*(1+middle)/2
	var before, sum, weight float32
	for _, s := range f.picked {
		if part := min(before+s.weight, hi) - max(before, lo); part > 0 {
			sum, weight = sum+s.value*part, weight+part
		}
		before += s.weight
	}
	return sum / weight, total // 0/0 is NaN: missing
}

// deviation fills the mean absolute leave-one-out residual by kind and slot,
// smoothed over an hour on both sides.
func (f *profileFit) deviation(values, loo, out []float32) {
	var count, sum [numKinds][]float32
	for k := range count {
		count[k], sum[k] = make([]float32, f.slots), make([]float32, f.slots)
	}
	for i, m := range f.moments {
		if r := values[i] - loo[i]; !isMissing(r) {
			k := m.Class.kind()
			count[k][m.Slot]++
			sum[k][m.Slot] += float32(math.Abs(float64(r)))
		}
	}
	wide := gaussian(math.Max(1, float64(f.slots)/24))
	for k := range count {
		ratioSmooth(sum[k], count[k], wide, out[k*f.slots:(k+1)*f.slots])
	}
	for s := range f.slots {
		work, rest := &out[kindWorking*f.slots+s], &out[kindFree*f.slots+s]
		if isMissing(*work) {
			*work = *rest
		}
		if isMissing(*rest) {
			*rest = *work
		}
	}
}

// gaussian returns kernel weights for offsets 0 to 2 sigma.
func gaussian(sigma float64) []float32 {
	k := make([]float32, 1+int(math.Ceil(2*sigma)))
	for i := range k {
		k[i] = 1
		if i > 0 {
			k[i] = float32(math.Exp(-.5 * float64(i*i) / (sigma * sigma)))
		}
	}
	return k
}

// smooth convolves a daily curve (circular) with a symmetric kernel, ignoring
// missing slots.
func smooth(in, kernel, out []float32) {
	n := len(in)
	for s := range in {
		var sum, weight float32
		for o := -len(kernel) + 1; o < len(kernel); o++ {
			if v := in[((s+o)%n+n)%n]; !isMissing(v) {
				w := kernel[max(o, -o)]
				sum, weight = sum+w*v, weight+w
			}
		}
		out[s] = sum / weight // 0/0 is NaN: missing
	}
}

// ratioSmooth divides two smoothed daily curves.
func ratioSmooth(sum, count, kernel, out []float32) {
	n := len(sum)
	for s := range sum {
		var a, b float32
		for o := -len(kernel) + 1; o < len(kernel); o++ {
			i, w := ((s+o)%n+n)%n, kernel[max(o, -o)]
			a, b = a+w*sum[i], b+w*count[i]
		}
		out[s] = a / b
	}
}

// bridge fills missing slots linearly between their neighbours around the day.
func bridge(c []float32) {
	first := slices.IndexFunc(c, func(v float32) bool { return !isMissing(v) })
	if first < 0 {
		return
	}
	n, last := len(c), first
	for o := 1; o <= n; o++ {
		s := (first + o) % n
		if isMissing(c[s]) {
			continue
		}
		gap := (s-last+n-1)%n + 1
		for g := 1; g < gap; g++ {
			c[(last+g)%n] = c[last] + (c[s]-c[last])*float32(g)/float32(gap)
		}
		last = s
	}
}

func fill(s []float32, v float32) {
	for i := range s {
		s[i] = v
	}
}
